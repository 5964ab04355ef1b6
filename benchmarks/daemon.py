"""What is due: what it costs to see it, how fast and how late it is done, by one daemon and by two."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.bare_rotations import BareRotations
from benchmarks.fleet import Fleet
from benchmarks.house import CALLER
from benchmarks.measure import Ratio, alternate
from rotator.daemon import agenda
from rotator.daemon.reach import Reach
from rotator.rotation.owner import Owner
from rotator.testing.postgres_server import PostgresServer

_FEW, _MANY, _BASE = 10_000, 1_000_000, 1_000
_DUE = 100
_ROUNDS = 15
_WORKERS = 64
# The first is what is asked for; at the second one core is enough for what a rotation costs beside its step.
_BURSTS = ((10_000, 0.02), (1_280, 0.5))
_SHARED, _SHARED_STEP, _SHARED_WORKERS = 96, 1.0, 4
_LATE, _LATE_SECONDS = 300, 10.0
_PAUSE = 0.02


def measured(server: PostgresServer, folder: Path) -> Iterator[Ratio]:
    """The ratios, one after the other."""
    yield due_query("SQLite", _sqlite(folder / "due"))
    yield due_query("PostgreSQL", _postgresql(server, folder / "due", "due"))
    for count, step in _BURSTS:
        yield from burst(_sqlite(folder / f"burst-{count}"), count, step)
    yield shared(_postgresql(server, folder, "shared"))
    yield lateness(_sqlite(folder / "late"))
    yield memory(_sqlite(folder / "memory"))


_Place = Callable[[int], tuple[str, Path]]
"""The URL of the store and the folder of the keys of a fleet of so many."""


def _sqlite(folder: Path) -> _Place:
    def place(count: int) -> tuple[str, Path]:
        own = folder / str(count)
        own.mkdir(parents=True)
        return f"sqlite:///{own / 'store.db'}", own

    return place


def _postgresql(server: PostgresServer, folder: Path, name: str) -> _Place:
    def place(count: int) -> tuple[str, Path]:
        import psycopg

        own = folder / f"{name}-{count}"
        own.mkdir(parents=True)
        at = f"postgresql://{server.user}:{server.password}@{server.host}:{server.port}"
        with psycopg.connect(f"{at}/postgres?sslmode=disable", autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{name}-{count}"')  # our own name
        return f"{at}/{name}-{count}?sslmode=disable", own

    return place


def due_query(store: str, place: _Place) -> Ratio:
    """A look at what is due, with a hundred of it, among a million and among ten thousand."""
    with ExitStack() as stack:
        looks = []
        for count in (_MANY, _FEW):
            fleet = Fleet.at(*place(count))
            stack.callback(fleet.store.close)
            fleet.adopt(_BASE)
            fleet.make_due(over=30 * 86_400.0)
            fleet.multiply(count)
            fleet.make_due(only=_DUE)
            looks.append(_look(fleet))
        ours, floor = alternate(looks[0], looks[1], rounds=_ROUNDS)
    return Ratio(
        name=f"due query, {_MANY} secrets, {store}",
        unit="ms",
        ours=ours * 1e3,
        floor=floor * 1e3,
        most=1.5,
    )


def _look(fleet: Fleet) -> Callable[[], None]:
    me, reach = Owner.me(), Reach(fleet.store, frozenset({CALLER.region}))

    def look() -> None:
        found = agenda.read_all(fleet.store, reach, me=me)
        if len(found.tasks) != _DUE:
            raise AssertionError(f"{len(found.tasks)} are due")

    return look


def burst(place: _Place, count: int, step: float) -> Iterator[Ratio]:
    """Many due at one instant, against what their steps take side by side; and against what the rows of as many
    rotations take alone, that is how near to the first bound this machine lets anybody come.
    """
    url, folder = place(count)
    fleet = Fleet.at(url, folder)
    fleet.adopt(count)
    bare = BareRotations(folder / "bare.db", like=folder / "store.db", step=step)
    with fleet.daemon(step=step, workers=_WORKERS) as watch:
        spent = time.process_time()
        began = time.perf_counter()
        fleet.make_due()
        took = watch.wait_for(count) - began
        spent = time.process_time() - spent
    _check(fleet, count)
    name = f"{count} due at once, {step * 1e3:.0f} ms each, {_WORKERS} workers"
    yield Ratio(name=name, unit="s", ours=took, floor=count * step / _WORKERS, most=1.2)
    bare_spent = time.process_time()
    bare_took = bare.burst(workers=_WORKERS)
    bare_spent = time.process_time() - bare_spent
    yield Ratio(name=f"{name}, against bare rows", unit="s", ours=took, floor=bare_took)
    yield Ratio(
        name=f"{name}, processor per rotation against bare rows",
        unit="ms",
        ours=spent / count * 1e3,
        floor=bare_spent / count * 1e3,
    )


def shared(place: _Place) -> Ratio:
    """Two daemons on one store against one, each with few workers: neither the target nor a core is the limit."""
    url, folder = place(_SHARED)
    fleet = Fleet.at(url, folder)
    fleet.adopt(_SHARED)
    rates = []
    for daemons in (1, 2):
        before = fleet.rotations()
        with ExitStack() as stack:
            for _ in range(daemons):
                stack.enter_context(_process(url, folder))
            began = time.perf_counter()
            fleet.make_due()
            while fleet.rotations() < before + _SHARED:
                time.sleep(_PAUSE)
            rates.append(_SHARED / (time.perf_counter() - began))
    _check(fleet, 2 * _SHARED)
    return Ratio(
        name=f"two daemons, {_SHARED_WORKERS} workers each, {_SHARED_STEP * 1e3:.0f} ms a rotation",
        unit="per second",
        ours=rates[1],
        floor=rates[0],
        least=1.8,
    )


def lateness(place: _Place) -> Ratio:
    """From the due moment to the beginning, of what becomes due by and by: the 99th of 100 against the 50th."""
    fleet = Fleet.at(*place(_LATE))
    fleet.adopt(_LATE)
    with fleet.daemon(step=0.02, workers=_WORKERS) as watch:
        fleet.make_due(over=_LATE_SECONDS)
        watch.wait_for(_LATE)
    _check(fleet, _LATE)
    cuts = statistics.quantiles(watch.late, n=100)
    return Ratio(
        name=f"lateness, p99 against p50, {_LATE / _LATE_SECONDS:.0f} due a second",
        unit="ms",
        ours=cuts[98] * 1e3,
        floor=cuts[49] * 1e3,
    )


def memory(place: _Place) -> Ratio:
    """The most memory of a daemon that rotates a hundred of a million secrets, against a hundred of a thousand."""
    found = []
    for count in (_MANY, _BASE):
        url, folder = place(count)
        fleet = Fleet.at(url, folder)
        fleet.adopt(_BASE)
        fleet.make_due(over=30 * 86_400.0)
        if count > _BASE:
            fleet.multiply(count)
        fleet.make_due(only=_DUE)
        taken: list[int] = []
        with _process(url, folder, taken):
            while fleet.rotations() < _DUE:
                time.sleep(_PAUSE)
        found.append(taken[0] / 1024)
    return Ratio(
        name=f"memory, {_MANY} secrets against {_BASE}", unit="MiB", ours=found[0], floor=found[1]
    )


@contextmanager
def _process(url: str, folder: Path, taken: list[int] | None = None) -> Iterator[None]:
    """A daemon in a process of its own; what memory it took comes into the list."""
    asked = {
        "url": url,
        "folder": str(folder),
        "step": _SHARED_STEP,
        "workers": _SHARED_WORKERS,
    }
    script = [sys.executable, "-m", "benchmarks.daemon_process"]
    with subprocess.Popen(
        script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(asked)}\n")
        process.stdin.flush()
        process.stdout.readline()
        yield
        process.stdin.close()
        told = process.stdout.readline()
    if taken is not None:
        taken.append(int(told))


def _check(fleet: Fleet, count: int) -> None:
    if fleet.rotations() != count:
        raise AssertionError(f"{fleet.rotations()} rotations have succeeded, not {count}")
    fleet.store.close()
