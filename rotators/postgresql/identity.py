"""Who a session is, and what that lets it do."""

from dataclasses import dataclass

from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained

# Short, because every rotation runs it in a session that has nothing cached yet.
_IDENTITY = """
SELECT session_user, current_user, current_database(), to_regrole(quote_ident(session_user))::oid,
       has_database_privilege(current_database(), 'CONNECT')
"""


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
        row = session.execute(_IDENTITY).fetchone()
    session_user, current_user, database, oid, may_connect = row or ("", "", "", 0, False)
    return Identity(
        session_user=session_user,
        current_user=current_user,
        database=database,
        oid=oid,
        may_connect=may_connect,
    )
