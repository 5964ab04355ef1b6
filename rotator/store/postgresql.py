"""The shared store: a PostgreSQL database that any number of daemons use."""

import time
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from rotator.errors import ConfigurationError, StoreUnavailable

_IDLE_BEFORE_PING = 5.0
_SESSION = """
SELECT current_setting('fsync'),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                  false),
       set_config('lock_timeout', %(lock)s, false),
       set_config('statement_timeout', '60s', false),
       set_config('idle_in_transaction_session_timeout', '30s', false)
"""


def connect(url: URL, *, lock_timeout: float) -> Engine:
    """An engine whose every session is durable and bounded.

    Durable: `synchronous_commit` is at least `on`, whatever the server, the database or the role say, and a server with
    `fsync = off` is refused (https://www.postgresql.org/docs/current/runtime-config-wal.html). Bounded: a process that
    was frozen in mid-transaction loses its session after 30 s, so that its row locks can't hold up its successor.

    Args:
        lock_timeout: seconds to wait for a row that another transaction has locked.

    Raises:
        ConfigurationError: the driver is not installed.
    """
    arguments = {
        "connect_timeout": 10,
        "application_name": "rotator",
        "keepalives_idle": 30,
    } | dict(url.query)
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg", query={}),
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            use_native_hstore=False,  # spares a round trip at the first connection
            connect_args=arguments,
            pool_size=32,
            max_overflow=0,
            pool_timeout=lock_timeout,
            pool_use_lifo=True,
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "A PostgreSQL store needs the driver psycopg: pip install 'rotator-engine[postgresql]'"
        ) from None

    def prepare(connection: Any, _record: object) -> None:
        _prepare_session(connection, lock_timeout=lock_timeout)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "checkin", _note_checkin)
    event.listen(engine, "checkout", _ping_after_idling)
    return engine


def _prepare_session(connection: Any, *, lock_timeout: float) -> None:
    connection.autocommit = True  # a setting made in a transaction would end with its rollback
    fsync, *_ = connection.execute(_SESSION, {"lock": f"{round(lock_timeout * 1000)}ms"}).fetchone()
    connection.autocommit = False
    if fsync == "off":
        raise StoreUnavailable(
            "The PostgreSQL server of the store runs with fsync = off: a crash of its machine can lose committed "
            "passwords. On the server: ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();"
        )


def _note_checkin(_connection: object, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _ping_after_idling(connection: Any, record: Any, _proxy: object) -> None:
    # A server restart or a firewall ends idle sessions; pinging at every checkout would cost each transaction a round trip.
    idle_since = record.info.get("idle_since")
    if idle_since is None or time.monotonic() - idle_since < _IDLE_BEFORE_PING:
        return
    try:
        connection.execute("")
        connection.rollback()
    except connection_error() as error:
        raise DisconnectionError from error


def connection_error() -> type[Exception]:
    """The driver's class for a session that is lost."""
    import psycopg

    return psycopg.OperationalError


_LOST = "The connection was refused or lost; nothing of an unfinished transaction was kept."
# https://www.postgresql.org/docs/current/errcodes-appendix.html, by code or class.
_MEANINGS = {
    "08": _LOST,
    "28": "The server refused the login. Check user, password and pg_hba.conf.",
    "3D": "There is no such database. Create it, then: rotate db upgrade",
    "53": "The server has run out of disk space, memory or connections.",
    "57": "The server ended the session or the statement.",
    "58": "The server met a system error.",
    "XX": "The server met an internal error; its log says more.",
    "25006": "The server takes no writes: it is a standby, or set to read-only. Name the primary in the store's URL.",
    "25P03": "The transaction was idle for too long and was ended by the server.",
    "40001": "It lost against a concurrent transaction. Try again.",
    "40P01": "It lost against a concurrent transaction. Try again.",
    "42501": "The store's role lacks a privilege. Let it own its schema, as `rotate db upgrade` made it.",
    "55P03": "A row is locked by another process and was not released in time. Try again.",
}


def explain(error: DBAPIError) -> str | None:
    """What trouble of the store an error means and what to do, or None where it is no trouble of the store."""
    original: Any = error.orig
    state = getattr(original, "sqlstate", None)
    if state is None:
        return (
            f"{_LOST} ({_first_line(original)})"
            if isinstance(original, connection_error())
            else None
        )
    meaning = _MEANINGS.get(state) or _MEANINGS.get(state[:2])
    # The primary message alone: the detail may quote a row.
    return meaning and f"{meaning} ({original.diag.message_primary or _first_line(original)})"


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
