"""Changes of the target: one durable transaction each, with a password that only its verifier tells."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from psycopg import sql
from psycopg.errors import Diagnostic

from rotator.sdk import OutcomeUnknown, Rotation
from rotators.postgresql import scram
from rotators.postgresql.scram import Keys
from rotators.postgresql.session import Session, server_limits
from rotators.postgresql.statement_failure import explained

_AS_LOGGED_IN = sql.SQL("SET LOCAL ROLE NONE")
_BEGIN = sql.SQL("BEGIN READ WRITE")
_DURABLE = sql.SQL("SET LOCAL synchronous_commit TO on")
_COMMIT = sql.SQL("COMMIT")
_SEPARATOR = sql.SQL(";\n")

# A statement that waits for a lock is given up once the client is gone. Servers on other systems than Linux may
# refuse the setting (PostgreSQL manual, client_connection_check_interval), and an error would undo the change.
_WATCH_CLIENT = sql.SQL("SET LOCAL client_connection_check_interval TO 1000")
_WATCH_CLIENT_ON_LINUX = sql.SQL(
    "SELECT set_config('client_connection_check_interval', '1000', true) WHERE version() LIKE '%linux%'"
)

# The server's limits count for each statement anew, so the time since the message came in is taken off.
_RENEW_LIMITS = sql.SQL(
    "SELECT set_config(name, greatest(1, full_limit"
    " - 1000 * extract(epoch FROM clock_timestamp() - statement_timestamp()))::bigint::text, true)"
    " FROM (VALUES ('statement_timeout', {}), ('lock_timeout', {})) AS limits (name, full_limit)"
)

_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"
"""The routine of the server (its `src/backend/replication/syncrep.c`) that warns of a wait given up."""


def verifier(session: Session, *, user: str, password: str) -> tuple[sql.Literal, Keys | None]:
    """The SCRAM-SHA-256 verifier of the password, which the server stores as it is; and its keys, where they are known.

    The server's log shows statements as they come in, so the password itself must not be in one.
    Source: PostgreSQL manual, CREATE ROLE (PASSWORD) and libpq's PQencryptPasswordConn.
    """
    if not scram.needs_preparation(password):
        keys = scram.keys(password, salt=secrets.token_bytes(scram.SALT_LENGTH))
        return sql.Literal(keys.verifier), keys
    encrypted = session.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
    return sql.Literal(encrypted.decode()), None


def set_password(user: str, password_verifier: sql.Literal) -> sql.Composed:
    """The statement that gives `user` a new password."""
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), password_verifier)


def as_logged_in(statement: sql.Composable) -> sql.Composed:
    """The statement, run as the role that logged in.

    A role may change its own password only as itself; its settings may have it act as another.
    """
    return _SEPARATOR.join((_AS_LOGGED_IN, statement))


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
        OutcomeUnknown: the connection was lost, the time ran out, or no standby confirmed the commit.
        TargetRefused, TargetBusy, Misconfigured: the server answered; nothing was changed.
    """
    message = (*_opening(session, rotation), *_within_limits(rotation, statements), _COMMIT)
    _send(session, rotation, message, doing=doing, hint=hint)


@contextmanager
def transaction(session: Session, rotation: Rotation) -> Iterator[None]:
    """A transaction that reads the catalogue and ends with `commit`; the session is closed where it doesn't."""
    try:
        with explained("beginning the change"):
            session.ask(_SEPARATOR.join(_opening(session, rotation)))
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
    message = (*_limits(server_limits(rotation)), *_within_limits(rotation, statements), _COMMIT)
    _send(session, rotation, message, doing=doing, hint=hint)


def _opening(session: Session, rotation: Rotation) -> list[sql.Composable]:
    """How a transaction begins: with the step's time limit, and durable whatever the role's settings are."""
    limits = server_limits(rotation)
    if session.info.server_version >= 170000:
        limits["transaction_timeout"] = limits["idle_in_transaction_session_timeout"]
    return [_BEGIN, *_limits(limits), *_watching(session), _DURABLE]


def _watching(session: Session) -> list[sql.Composable]:
    if session.on_linux is None:
        return [_WATCH_CLIENT_ON_LINUX]
    return [_WATCH_CLIENT] if session.on_linux else []


def _limits(limits: Mapping[str, int]) -> list[sql.SQL]:
    return [sql.SQL(f"SET LOCAL {name} TO {limit:d}") for name, limit in limits.items()]


def _within_limits(
    rotation: Rotation, statements: Iterable[sql.Composable]
) -> Iterator[sql.Composable]:
    """The statements, each but the first with what the ones before it have left of the step's time.

    What stands before the first in the same message has just set the limits, and waits for nothing.
    """
    limits = server_limits(rotation)
    renewal = _RENEW_LIMITS.format(
        sql.Literal(limits["statement_timeout"]), sql.Literal(limits["lock_timeout"])
    )
    for place, statement in enumerate(statements):
        if place:
            yield renewal
        yield statement


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
        with explained(doing, changing=True, hint=hint), _confirmed_by_standbys(session, doing):
            session.ask(message)
    except BaseException:
        session.close()
        raise


@contextmanager
def _confirmed_by_standbys(session: Session, doing: str) -> Iterator[None]:
    """Take a commit for unknown whose wait for synchronous standbys was cancelled: the server calls it a success."""
    given_up: list[Diagnostic] = []

    def note(notice: Diagnostic) -> None:
        if notice.source_function == _WAITS_FOR_STANDBY:
            given_up.append(notice)

    session.add_notice_handler(note)
    yield
    session.remove_notice_handler(note)
    if given_up:
        raise OutcomeUnknown(
            f"{doing} was committed on the primary, but its wait for a synchronous standby was cancelled, so a "
            "failover may lose it",
            hint="see that a standby of synchronous_standby_names is connected: SELECT * FROM pg_stat_replication",
        )
