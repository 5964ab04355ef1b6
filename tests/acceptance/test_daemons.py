"""Several `rotate daemon` on one PostgreSQL store: one that dies, freezes or loses the store harms nothing."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from sqlalchemy import make_url, select

from rotator.rotation.owner import Owner
from rotator.store import tables
from rotator.store.rotation_row import RotationRow
from tests.support.daemons import ANY_PORT, DaemonProcess, Daemons
from tests.support.house import House
from tests.support.postgres import DatabaseServer
from tests.support.store import only_postgresql
from tests.support.waiting import eventually

pytestmark = only_postgresql

_PATIENCE = 60.0
_SHORT_LEASE = {
    "ROTATOR_ROTATION_LEASE": "3",
    "ROTATOR_ROTATION_STEP_LIMIT": "2",
    "ROTATOR_RETRY_ATTEMPTS": "100",
}
_LONG_LEASE = _SHORT_LEASE | {"ROTATOR_ROTATION_LEASE": "600"}
_LONG_STEPS = {"ROTATOR_ROTATION_LEASE": "600", "ROTATOR_ROTATION_STEP_LIMIT": "300"}


def _secrets(house: House, server: DatabaseServer, number: int) -> list[str]:
    return [house.adopt(server, server.new_role()) for _ in range(number)]


def _make_due(house: House, names: list[str]) -> None:
    for name in names:
        house.make_due(name)


@contextmanager
def _held_passwords(server: DatabaseServer) -> Iterator[None]:
    """No role's password changes meanwhile: whoever tries waits, up to its own limit."""
    with server.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE pg_authid IN SHARE MODE")
        yield


def _changes_under_way(server: DatabaseServer, roles: list[str]) -> int:
    """Sessions that wait to change the password of one of these roles."""
    rows = server.execute(
        "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, 'ALTER ROLE') > 0"
    )
    return sum(any(role in query for role in roles) for (query,) in rows)


def _rotations(house: House, names: list[str]) -> list[RotationRow]:
    """The rotations of these secrets, of each one at most."""
    histories = [house.history(name) for name in names]
    assert all(len(history) <= 1 for history in histories), "a due rotation was doubled"
    return [row for history in histories for row in history]


def _workers(rows: list[RotationRow]) -> Counter[int]:
    """How many rotations each process is at."""
    owners = [Owner.parse(row.owner) for row in rows if row.owner is not None]
    return Counter(owner.pid for owner in owners if owner is not None)


def _all_succeeded(house: House, names: list[str]) -> bool:
    return [row.status for row in _rotations(house, names)] == ["succeeded"] * len(names)


def test_three_daemons_share_what_is_due_and_one_that_is_killed_is_replaced(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """Each due rotation happens once, every daemon does its share, and the others end those of one that is killed."""
    three = [daemons.start(ROTATOR_DAEMON_WORKERS="2", **_LONG_STEPS) for _ in range(3)]
    names = _secrets(house, pg16, 7)
    roles = [house.role(name).name for name in names]
    with _held_passwords(pg16):
        _make_due(house, names)
        assert eventually(lambda: _changes_under_way(pg16, roles) == 6, timeout=_PATIENCE)
        held = _rotations(house, names)
        assert _workers(held) == {daemon.pid: 2 for daemon in three}
        orphaned = {row.id for row in held if f"/{three[0].pid}/" in (row.owner or "")}
        three[0].kill()
    assert eventually(lambda: _all_succeeded(house, names), timeout=_PATIENCE)

    ended = _rotations(house, names)
    assert orphaned <= {row.id for row in ended}
    assert {row.id for row in ended if row.fencing > 1} == orphaned
    assert {row.owner for row in ended} == {None}
    assert all(pg16.can_log_in(house.role(name)) for name in names)
    for daemon in three[1:]:
        log = daemon.stop()
        assert {entry["status"] for entry in log if entry["event"] == "rotation.ended"} == {
            "succeeded"
        }


def _stored(house: House) -> list[object]:
    """All that the store holds."""
    with house.store.read() as tx:
        return [
            tx.connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in tables.metadata.sorted_tables
        ]


def test_a_frozen_daemon_that_was_replaced_writes_nothing(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """A daemon that sleeps past its lease is replaced; awake, it leaves store and target alone and works on."""
    frozen = daemons.start(**_SHORT_LEASE)
    names = _secrets(house, pg16, 1)
    roles = [house.role(names[0]).name]
    with _held_passwords(pg16):
        _make_due(house, names)
        assert eventually(lambda: _changes_under_way(pg16, roles) == 1, timeout=_PATIENCE)
        frozen.send(signal.SIGSTOP)
        [begun] = _rotations(house, names)
    other = daemons.start(**_SHORT_LEASE)
    assert eventually(lambda: _all_succeeded(house, names), timeout=_PATIENCE)
    other.stop()

    [ended] = _rotations(house, names)
    assert (ended.id, ended.fencing > begun.fencing) == (begun.id, True)
    before = _stored(house)
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
    changed = pg16.execute(verifier, (roles[0],))
    frozen.send(signal.SIGCONT)
    assert _knows_that_it_was_replaced(frozen)
    assert _stored(house) == before
    assert pg16.execute(verifier, (roles[0],)) == changed
    assert pg16.can_log_in(house.role(names[0]))

    more = _secrets(house, pg16, 1)
    _make_due(house, more)
    assert eventually(lambda: _all_succeeded(house, more), timeout=_PATIENCE)
    frozen.stop()


def _knows_that_it_was_replaced(daemon: DaemonProcess) -> bool:
    """Whether it is over with what it did, by the successor's report or by the refusal."""
    return eventually(
        lambda: bool(daemon.events("rotation.ended") or daemon.events("rotation.busy")),
        timeout=_PATIENCE,
    )


@contextmanager
def _without_store(server: DatabaseServer, store_url: str) -> Iterator[None]:
    """The store's database ends every session and lets nobody in, as while its server restarts."""
    name = make_url(store_url).database or ""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
    server.execute(end, (name,))
    yield
    server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def _is_broken_off(daemon: DaemonProcess) -> bool:
    """Whether its rotation could not be written on, or its first attempt was over before the store was gone."""
    refused = daemon.events("rotation.refused", error="StoreUnavailable")
    return bool(refused or daemon.events("rotation.ended", status="waiting"))


def test_a_store_that_was_away_is_found_again(
    daemons: Daemons, house: House, pg16: DatabaseServer, store_url: str
) -> None:
    """A daemon that loses its store in mid-rotation says so, goes on, and ends that rotation when it is back; for its
    own lease, which has minutes to go, it doesn't wait.
    """
    daemon = daemons.start(**_LONG_LEASE, **ANY_PORT)
    names = _secrets(house, pg16, 1)
    roles = [house.role(names[0]).name]
    with _held_passwords(pg16):
        _make_due(house, names)
        assert eventually(lambda: _changes_under_way(pg16, roles) == 1, timeout=_PATIENCE)
        house.store.close()
        with _without_store(pg16, store_url):
            assert daemon.says("store.away", error="StoreUnavailable")
            assert daemon.answers("/readyz", 503, "store-away\n")
            assert daemon.get("/livez") == (200, "alive\n")
            assert eventually(lambda: _is_broken_off(daemon), timeout=_PATIENCE)
    assert daemon.says("store.back")
    assert daemon.answers("/readyz", 200, "ready\n")
    assert eventually(lambda: _all_succeeded(house, names), timeout=_PATIENCE)
    assert pg16.can_log_in(house.role(names[0]))
    daemon.stop()


def _listeners(server: DatabaseServer, store_url: str) -> set[int]:
    """The server's processes in which a daemon waits for what others say."""
    rows = server.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query = 'LISTEN rotator_due'",
        (make_url(store_url).database,),
    )
    return {pid for (pid,) in rows}


def test_a_daemon_is_woken_by_what_another_process_makes_due(
    daemons: Daemons, house: House, pg16: DatabaseServer, store_url: str
) -> None:
    """A daemon that polls once an hour rotates at once what becomes due, also when its session was ended in between."""
    daemon = daemons.start(ROTATOR_DAEMON_POLL="3600")
    assert eventually(lambda: len(_listeners(pg16, store_url)) == 1)
    names = _secrets(house, pg16, 2)
    _make_due(house, names[:1])
    assert eventually(lambda: _all_succeeded(house, names[:1]), timeout=40)

    [session] = _listeners(pg16, store_url)
    pg16.execute("SELECT pg_terminate_backend(%s)", (session,))
    assert daemon.says("wakeup.lost", error="StoreUnavailable")
    assert daemon.says("wakeup.back")
    _make_due(house, names[1:])
    assert eventually(lambda: _all_succeeded(house, names), timeout=40)
    daemon.stop()
