"""A PostgreSQL server that crashes and recovers under a running store."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import func, insert, select

from rotator.errors import StoreUnavailable
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.store import Store, Tx
from rotator.store.tables import sealing_check
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.postgres import DatabaseServer
from tests.support.store import postgresql_url
from tests.support.waiting import eventually


def _add(tx: Tx, key_id: str) -> None:
    tx.connection.execute(insert(sealing_check).values(key_id=key_id, wrapped_key=b"x"))


def _count(store: Store) -> int:
    with store.read() as tx:
        return tx.connection.execute(select(func.count()).select_from(sealing_check)).scalar_one()


def _crash(server: DatabaseServer) -> None:
    """Kills one of the server's processes and returns once every session's has ended, the store's too.

    The server then recovers from its log as after a power cut.
    """
    with server.connect() as victim:
        sessions = [
            pid
            for (pid,) in victim.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL"
            )
        ]
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        with contextlib.suppress(psycopg.Error):
            victim.execute("SELECT pg_sleep(60)")
    assert eventually(lambda: not any(_runs(pid) for pid in sessions))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _until_it_recovers(store: Store) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _count(store)
        except StoreUnavailable:
            continue
        return
    pytest.fail("the store did not find its server again")


def test_a_server_that_restarts_is_found_again(open_store: Callable[[str], Store]) -> None:
    """A crash of the server ends the transaction under way, none that was committed; then the store goes on."""
    with running_postgres(embedded_binaries(16)) as running:
        server = DatabaseServer(server=running)
        url = postgresql_url(server, server.superuser, dbname="postgres")
        database = Database.connect(url, create=False)
        schema.upgrade(database)
        database.close()
        store = open_store(url)
        with store.write() as tx:
            _add(tx, "k1")
        _crash(server)  # between two transactions
        _until_it_recovers(store)
        assert _count(store) == 1

        def crash_within() -> None:
            with store.write() as tx:
                _add(tx, "k2")
                _crash(server)
                _add(tx, "k3")

        with pytest.raises(StoreUnavailable, match=r"ended the session|connection was lost"):
            crash_within()
        _until_it_recovers(store)
        assert _count(store) == 1
        with store.write() as tx:
            _add(tx, "k2")
        assert _count(store) == 2
        store.close()
