"""Durable means durable: what the engines say of their settings in the store's own transactions."""

from collections.abc import Callable

import pytest
from psycopg import sql
from sqlalchemy import insert

from rotator.errors import StoreUnavailable
from rotator.store.store import Store
from rotator.store.tables import sealing_check
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.postgres import DatabaseServer, Role
from tests.support.store import only_postgresql, only_sqlite, postgresql_url
from tests.support.waiting import eventually

_INSERT = insert(sealing_check)


def _asked(store: Store, question: str) -> object:
    with store.write() as tx:
        return tx.connection.exec_driver_sql(question).scalar_one()


@only_sqlite
def test_sqlite_reports_that_every_commit_is_synced(store: Store) -> None:
    """A SQLite store is in WAL mode with synchronous=FULL (2), and enforces foreign keys."""
    assert _asked(store, "PRAGMA journal_mode") == "wal"
    assert _asked(store, "PRAGMA synchronous") == 2
    assert _asked(store, "PRAGMA foreign_keys") == 1


@only_postgresql
def test_postgresql_reports_that_every_commit_is_synced(store: Store) -> None:
    """A PostgreSQL store commits synchronously on a server that syncs, READ COMMITTED."""
    assert _asked(store, "SHOW synchronous_commit") == "on"
    assert _asked(store, "SHOW fsync") == "on"
    assert _asked(store, "SHOW transaction_isolation") == "read committed"
    assert _asked(store, "SHOW idle_in_transaction_session_timeout") == "30s"


@only_postgresql
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_a_transaction_that_stands_still_loses_its_session(
    store: Store, pg16: DatabaseServer, rows: int
) -> None:
    """A process that is frozen in mid-transaction keeps its row locks for a limited time, whatever it did last."""
    with pytest.raises(StoreUnavailable):
        _stand_still(store, pg16, after=rows)


def _stand_still(store: Store, server: DatabaseServer, *, after: int) -> None:
    """Writes so many rows, and nothing more until the session has ended."""
    others = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
    with store.write() as tx:
        tx.connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
        session = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        new = [{"key_id": f"key-{number}", "wrapped_key": b"x"} for number in range(after)]
        tx.execute(_INSERT, new)
        assert eventually(lambda: not server.execute(others, (session,)))


@only_postgresql
@pytest.mark.parametrize(
    ("configured", "effective"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]
)
def test_a_role_that_commits_asynchronously_does_not_in_the_store(
    store_url: str,
    store_role: Role,
    pg16: DatabaseServer,
    open_store: Callable[[str], Store],
    configured: str,
    effective: str,
) -> None:
    """What role or database say of synchronous_commit is overruled where it is weaker than `on`."""
    database = sql.Identifier(store_url.rpartition("/")[2].partition("?")[0])
    role = sql.Identifier(store_role.name)
    statement = "ALTER ROLE {} IN DATABASE {} SET synchronous_commit = {}"
    pg16.execute(sql.SQL(statement).format(role, database, sql.Literal(configured)))
    assert _asked(open_store(store_url), "SHOW synchronous_commit") == effective


def test_a_server_that_does_not_sync_is_refused() -> None:
    """A PostgreSQL server with fsync = off is refused with the statement that mends it."""
    with running_postgres(embedded_binaries(16), settings={"fsync": "off"}) as server:
        target = DatabaseServer(server=server)
        url = postgresql_url(target, target.superuser, dbname="postgres")
        with pytest.raises(StoreUnavailable, match="ALTER SYSTEM SET fsync = on"):
            Store.open(url, create=False)
