"""Changes of the target: one durable transaction each, with a password that only its verifier tells."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg import sql

from rotator.sdk import Rotation
from rotators.postgresql import scram
from rotators.postgresql.session import Session, server_limits
from rotators.postgresql.statement_failure import explained

AS_LOGGED_IN = sql.SQL("SET LOCAL ROLE NONE")
"""A role may change its own password only as itself; its settings may have it act as another."""

_COMMIT = sql.SQL("COMMIT")
_SEPARATOR = sql.SQL(";\n")


def verifier(session: Session, *, user: str, password: str) -> sql.Literal:
    """The SCRAM-SHA-256 verifier of the password, which the server stores as it is.

    The server's log shows statements as they come in, so the password itself must not be in one.
    Source: PostgreSQL manual, CREATE ROLE (PASSWORD) and libpq's PQencryptPasswordConn.
    """
    if not scram.needs_preparation(password):
        salt = secrets.token_bytes(scram.SALT_LENGTH)
        return sql.Literal(scram.verifier(password, salt=salt))
    encrypted = session.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
    return sql.Literal(encrypted.decode())


def set_password(user: str, password_verifier: sql.Literal) -> sql.Composed:
    """The statement that gives `user` a new password."""
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), password_verifier)


def run(
    session: Session,
    rotation: Rotation,
    statements: Iterable[sql.Composable],
    *,
    doing: str,
    hint: str | None = None,
) -> None:
    """Send the statements as one durable transaction, in one message, and wait until the server is done.

    Args:
        session: is closed where a statement fails.
        rotation: its deadline is checked right before anything is sent.
        statements: the changes.
        doing: what they do, for messages.
        hint: what to do where a privilege is missing.

    Raises:
        TargetUnreachable: the deadline has passed; nothing was sent.
        OutcomeUnknown: the connection was lost or the time ran out.
        TargetRefused, TargetBusy, Misconfigured: the server answered; nothing was changed.
    """
    _send(session, rotation, (*_opening(rotation), *statements, _COMMIT), doing=doing, hint=hint)


@contextmanager
def transaction(session: Session, rotation: Rotation) -> Iterator[None]:
    """A transaction that reads the catalogue and ends with `commit`; the session is closed where it doesn't."""
    try:
        with explained("beginning the change"):
            session.execute(_SEPARATOR.join(_opening(rotation)))
        yield
    except BaseException:
        session.close()
        raise


def commit(
    session: Session,
    rotation: Rotation,
    statements: Iterable[sql.Composable],
    *,
    doing: str,
    hint: str | None = None,
) -> None:
    """As `run`, inside of `transaction`."""
    _send(session, rotation, (*statements, _COMMIT), doing=doing, hint=hint)


def _opening(rotation: Rotation) -> list[sql.Composable]:
    """How a transaction begins: with the step's time limit, and durable whatever the role's settings are."""
    limits = (
        sql.SQL("SET LOCAL {} TO {}").format(sql.Identifier(name), sql.Literal(limit))
        for name, limit in server_limits(rotation).items()
    )
    durable = sql.SQL("SET LOCAL synchronous_commit TO on")
    return [sql.SQL("BEGIN READ WRITE"), *limits, durable]


def _send(
    session: Session,
    rotation: Rotation,
    statements: Iterable[sql.Composable],
    *,
    doing: str,
    hint: str | None,
) -> None:
    message = _SEPARATOR.join(statements)
    try:
        rotation.check_deadline()
        with explained(doing, changing=True, hint=hint):
            session.execute(message)
    except BaseException:
        session.close()
        raise
