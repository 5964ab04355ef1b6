"""Who a session is, and what that lets it do."""

from dataclasses import dataclass

from psycopg import sql

from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained

# Short, because every rotation runs it in a session that has nothing cached yet.
_IDENTITY = sql.SQL("""
SELECT session_user, current_user, current_database() AS database, to_regrole(quote_ident(session_user))::oid AS oid,
       has_database_privilege(current_database(), 'CONNECT') AS may_connect
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a session is.

    Attributes:
        session_user: the role that logged in.
        current_user: the role that it acts as.
        oid: of the role that logged in: a role made anew under an old name has another.
        may_connect: the acting role has CONNECT on the database.
    """

    session_user: str
    current_user: str
    database: str
    oid: int
    may_connect: bool


def read_identity(session: Session) -> Identity:
    """Who the session is, in one round trip."""
    with explained("reading who the session is"):
        [row] = session.ask(_IDENTITY)
    return Identity(
        session_user=row["session_user"] or "",
        current_user=row["current_user"] or "",
        database=row["database"] or "",
        oid=int(row["oid"] or 0),
        may_connect=row["may_connect"] == "t",
    )
