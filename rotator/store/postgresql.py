"""The shared store: a PostgreSQL database that any number of daemons use."""

import time
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from rotator.errors import ConfigurationError, StoreUnavailable

_IDLE_BEFORE_PING = 5.0
# What the URL says goes before these.
_CONNECTION = {
    "application_name": "rotator",
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # or what was sent into a dead network would be waited for a quarter of an hour
}
_SESSION = """
SELECT current_setting('fsync'),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                  WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
       set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('statement_timeout', '60s', false),
       set_config('idle_in_transaction_session_timeout', '30s', false)
"""


def connect(url: URL, *, lock_timeout: float) -> Engine:
    """An engine whose every session is durable and bounded.

    Durable: `synchronous_commit` is `on` or stronger, whatever server, database and role say, and
    a server with `fsync = off` is refused
    (https://www.postgresql.org/docs/current/runtime-config-wal.html). Bounded: a process that was
    frozen in mid-transaction loses its session after 30 s, so that its row locks don't hold up
    its successor.

    Args:
        url: of any PostgreSQL driver; psycopg is taken.
        lock_timeout: seconds to wait for a row that another transaction has locked.

    Raises:
        ConfigurationError: the driver is not installed.
    """
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            use_native_hstore=False,  # spares the first connection a round trip
            connect_args={key: _CONNECTION[key] for key in _CONNECTION.keys() - url.query.keys()},
            pool_size=32,
            max_overflow=0,
            pool_timeout=lock_timeout,
            pool_use_lifo=True,
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "A PostgreSQL store needs the driver psycopg: pip install 'rotator-engine[postgresql]'"
        ) from None

    def prepare_session(connection: Any, _record: object) -> None:
        _prepare_session(connection, lock_timeout=lock_timeout)

    event.listen(engine, "connect", prepare_session)
    event.listen(engine, "checkin", _note_checkin)
    event.listen(engine, "checkout", _ping_after_idling)
    event.listen(engine, "handle_error", _drop_detail)
    return engine


def _prepare_session(connection: Any, *, lock_timeout: float) -> None:
    connection.autocommit = True  # a setting that a transaction made would end with its rollback
    settings = connection.execute(_SESSION, {"lock_timeout": f"{lock_timeout * 1000:.0f}ms"})
    fsync = settings.fetchone()[0]
    connection.autocommit = False
    if fsync == "off":
        raise StoreUnavailable(
            "The store's PostgreSQL server runs with fsync = off: a crash of its machine can lose "
            "passwords that were committed. Run there, as its superuser: "
            "ALTER SYSTEM SET fsync = on; then: SELECT pg_reload_conf();"
        )


def _note_checkin(_connection: object, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _ping_after_idling(connection: Any, record: Any, _proxy: object) -> None:
    # A restarted server or a firewall ends idle sessions. To ping at every checkout instead would
    # cost each transaction a round trip.
    idle_since = record.info.get("idle_since")
    if idle_since is None or time.monotonic() - idle_since < _IDLE_BEFORE_PING:
        return
    try:
        connection.execute("")
        connection.rollback()
    except _connection_error() as error:
        raise InvalidatePoolError from error


def _drop_detail(context: ExceptionContext) -> None:
    # The server's DETAIL quotes rows and keys; SQLAlchemy's hide_parameters doesn't know of it.
    diagnosis = getattr(context.original_exception, "diag", None)
    wrapped = context.sqlalchemy_exception
    if diagnosis is not None and diagnosis.message_primary and wrapped is not None:
        context.original_exception.args = (diagnosis.message_primary,)
        wrapped.args = (f"{diagnosis.message_primary} (SQLSTATE {diagnosis.sqlstate})",)


def _connection_error() -> type[Exception]:
    import psycopg

    return psycopg.OperationalError


_BUSY = "A row is locked by another process and was not released in time. Try again."
_LOST_RACE = "The transaction lost against a concurrent one. Try again."
_UNREACHABLE = (
    "It can't be reached, it refused the login, or the connection was lost. Check that the server "
    "runs, and the host, user, password and database name in the store's URL."
)
# By SQLSTATE or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
_MEANINGS = {
    "08": _UNREACHABLE,
    "25006": "It takes no writes: a standby, read-only, or moved. Name the one that does in its URL.",
    "25P03": "The transaction stood still for too long, and the server ended it.",
    "40001": _LOST_RACE,
    "40P01": _LOST_RACE,
    "42501": "Its role lacks a privilege. Let it own the schema: as that role, rotate db upgrade",
    "53": "The server has run out of disk space, memory or connections. Free some, then try again.",
    "55P03": _BUSY,
    "57": "The server ended the session or the statement. Try again once it runs as it should.",
    "58": "The server met an error of its system. See its log.",
    "XX": "The server met an internal error. See its log.",
}


def explain(error: DBAPIError) -> str | None:
    """What an error means for the store and what to do; None where the store is not to blame."""
    original: Any = error.orig
    state = getattr(original, "sqlstate", None)
    if state is None:  # the driver's own words: the server has not said anything
        unreachable = isinstance(original, _connection_error())
        return f"{_UNREACHABLE} ({_first_line(original)})" if unreachable else None
    meaning = _MEANINGS.get(state) or _MEANINGS.get(state[:2])
    return meaning and f"{meaning} ({_first_line(original)})"


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
