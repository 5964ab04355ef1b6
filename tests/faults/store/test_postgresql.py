"""A PostgreSQL store in trouble: a clear refusal, nothing half-written, and the next one works."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from psycopg import sql
from sqlalchemy import func, insert, make_url, select, text

from rotator.errors import StoreUnavailable
from rotator.store import postgresql
from rotator.store.store import Store, Tx
from rotator.store.tables import sealing_check
from tests.support.postgres import DatabaseServer, Role
from tests.support.store import only_postgresql
from tests.support.tcp_proxy import Sender, TcpProxy

pytestmark = only_postgresql

_VALUE = b"a value that no message may quote"
_COMMIT = b"COMMIT\0"  # unlike READ COMMITTED


@dataclass(frozen=True, slots=True)
class Remote:
    """A store that is reached through a proxy."""

    store: Store
    proxy: TcpProxy
    url: str


@pytest.fixture
def remote(
    store_url: str,
    tcp_proxy: Callable[[str, int], TcpProxy],
    open_store: Callable[[str], Store],
) -> Remote:
    """A store behind a proxy that fails on demand."""
    url = make_url(store_url)
    assert url.host is not None
    assert url.port is not None
    proxy = tcp_proxy(url.host, url.port)
    proxied = url.set(host=proxy.host, port=proxy.port)
    through = proxied.render_as_string(hide_password=False)
    return Remote(open_store(through), proxy, through)


def _add(tx: Tx, key_id: str) -> None:
    tx.connection.execute(insert(sealing_check).values(key_id=key_id, wrapped_key=_VALUE))


def _write(store: Store, *key_ids: str) -> None:
    with store.write() as tx:
        for key_id in key_ids:
            _add(tx, key_id)


def _count(store: Store) -> int:
    with store.read() as tx:
        return tx.connection.execute(select(func.count()).select_from(sealing_check)).scalar_one()


@contextlib.contextmanager
def _unavailable(match: str) -> Iterator[None]:
    with pytest.raises(StoreUnavailable, match=match) as refused:
        yield
    shown = f"{refused.value} {refused.value.__cause__}"
    assert _VALUE.decode() not in shown
    assert refused.value.__suppress_context__


def _database(store_url: str) -> sql.Identifier:
    name = make_url(store_url).database
    assert name is not None
    return sql.Identifier(name)


def test_a_connection_lost_in_mid_transaction_keeps_nothing(remote: Remote) -> None:
    """A transaction that loses its connection is gone whole, and the next one connects anew."""

    def lose_connection() -> None:
        with remote.store.write() as tx:
            _add(tx, "k1")
            remote.proxy.cut()
            _add(tx, "k2")

    with _unavailable("connection was lost"):
        lose_connection()
    assert _count(remote.store) == 0
    _write(remote.store, "k1")
    assert _count(remote.store) == 1


def test_a_commit_that_never_arrived_is_reported_as_open(remote: Remote) -> None:
    """When the connection is lost before the commit arrives, the message promises neither end."""
    remote.proxy.cut_at(_COMMIT, sender=Sender.CLIENT)
    with _unavailable("may or may not have been kept"):
        _write(remote.store, "k1")
    assert _count(remote.store) == 0


def test_a_commit_whose_answer_is_lost_is_reported_as_open(remote: Remote) -> None:
    """When only the answer to the commit is lost, the message promises neither end."""
    remote.proxy.cut_at(_COMMIT, sender=Sender.SERVER)
    with _unavailable("may or may not have been kept"):
        _write(remote.store, "k1")
    deadline = time.monotonic() + 60
    while _count(remote.store) == 0 and time.monotonic() < deadline:
        pass
    assert _count(remote.store) == 1


def test_a_connection_lost_right_after_a_commit_costs_one_transaction_at_most(
    remote: Remote,
) -> None:
    """What was acknowledged is kept; the next transaction may be refused, and the one after it connects anew."""
    _write(remote.store, "k1")
    remote.proxy.cut()
    with _unavailable("connection was lost"):
        _write(remote.store, "k2")
    assert _count(remote.store) == 1
    _write(remote.store, "k2")
    assert _count(remote.store) == 2


def test_a_server_that_falls_silent_is_given_up(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new connection into silence ends at its time limit; when the server answers again, so does the store."""
    monkeypatch.setitem(postgresql._CONNECTION, "connect_timeout", 2)
    store = Store.open(remote.url, create=False)
    store.close()
    remote.proxy.blackhole()
    with _unavailable("can't be reached"):
        _count(store)
    remote.proxy.forward()
    assert _count(store) == 0
    store.close()


def test_a_server_that_refuses_connections_is_named(remote: Remote) -> None:
    """While the server is down each transaction says so; when it is back, the next one works."""
    remote.proxy.refuse()
    remote.proxy.cut()
    for _ in range(2):
        with _unavailable("store postgresql://.* is not available"):
            _count(remote.store)
    remote.proxy.forward()
    assert _count(remote.store) == 0


def test_sessions_that_died_while_idle_are_replaced_unnoticed(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that a restart or a firewall ended while it was idle costs no transaction."""
    monkeypatch.setattr(postgresql, "_IDLE_BEFORE_PING", 0.0)
    with remote.store.read(), remote.store.read(), remote.store.read():
        pass
    assert _count(remote.store) == 0
    remote.proxy.cut()
    _write(remote.store, "k1")
    assert _count(remote.store) == 1


def test_a_session_that_the_server_ends_keeps_nothing(store: Store, pg16: DatabaseServer) -> None:
    """A session that an administrator ended loses its transaction; the next one works."""

    def be_terminated() -> None:
        with store.write() as tx:
            _add(tx, "k1")
            pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            pg16.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            _add(tx, "k2")

    with _unavailable("ended the session"):
        be_terminated()
    assert _count(store) == 0
    _write(store, "k1")


def test_a_row_that_stays_locked_is_reported(store: Store, store_url: str) -> None:
    """A row that another transaction holds for too long is named as locked; then all goes on."""
    _write(store, "k1")
    impatient = Store.open(store_url, create=False, lock_timeout=0.1)
    lock = select(sealing_check).with_for_update()

    def wait_for_row() -> None:
        with impatient.write() as tx:
            _add(tx, "k2")
            tx.connection.execute(lock)

    with store.write() as tx:
        tx.connection.execute(lock)
        with _unavailable("locked by another process"):
            wait_for_row()
    assert _count(impatient) == 1
    impatient.close()


def test_a_server_that_takes_no_writes_is_reported(
    store_url: str, pg16: DatabaseServer, open_store: Callable[[str], Store]
) -> None:
    """A read-only database can be read, and a write says where to turn."""
    statement = "ALTER DATABASE {} SET default_transaction_read_only = on"
    pg16.execute(sql.SQL(statement).format(_database(store_url)))
    store = open_store(store_url)
    assert _count(store) == 0
    with _unavailable("takes no writes"):
        _write(store, "k1")


def test_a_missing_privilege_is_reported(store_url: str, pg16: DatabaseServer) -> None:
    """A role that may log in but not read the tables is told what it lacks."""
    stranger: Role = pg16.new_role("stranger")
    url = make_url(store_url).set(username=stranger.name, password=stranger.password)
    with _unavailable("lacks a privilege"):
        Store.open(url.render_as_string(hide_password=False), create=False)


def test_a_server_without_a_free_connection_is_reported(
    store_url: str, pg16: DatabaseServer
) -> None:
    """A role at its connection limit is refused in the server's words."""
    busy = pg16.new_role("busy", attributes="LOGIN CONNECTION LIMIT 0")
    url = make_url(store_url).set(username=busy.name, password=busy.password)
    with _unavailable("too many connections"):
        Store.open(url.render_as_string(hide_password=False), create=False)


def test_what_was_sent_into_a_dead_network_is_given_up(store: Store) -> None:
    """A session's socket waits half a minute for what it sent, not the quarter of an hour of the system."""
    with store.read() as tx:
        connection = tx.connection.connection.dbapi_connection
        assert connection is not None
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate:
            limit = duplicate.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert limit == 30_000
