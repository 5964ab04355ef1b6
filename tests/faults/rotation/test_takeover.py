"""A rotation is taken over: from a frozen process that wakes later, from a dead one, and never from a living one."""

import os
import threading
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from rotator.errors import RotationInProgress
from rotator.model.rotation import Status
from rotator.rotation.owner import Owner
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.report import Progress
from rotator.store import tables
from tests.faults.rotation.situations import (
    ALTERNATING_SECOND,
    SINGLE_ADMIN,
    SINGLE_ALONE,
    Scene,
    Situation,
    stage,
)
from tests.support.driver import Process, Runs
from tests.support.effects import CHANGE
from tests.support.house import QUICK, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer
from tests.support.waiting import eventually

SHORT_LEASE = EnginePolicy(
    retry=QUICK.retry, step_limit=2.0, lease=4.0, drain=0.05, barrier_limit=2.0
)
FREEZING_POINTS = (
    "preflight: before",  # not connected yet
    "sleep: before",  # in the drain
    f"{CHANGE}: before",  # connected, nothing sent
    f"{CHANGE}: sent",  # the server may be at it
    f"{CHANGE}: after",
    "test_secret: after",  # all but the move of the labels
)


@dataclass(frozen=True, slots=True)
class _Frozen:
    point: str
    scene: Scene
    process: Process


@pytest.mark.parametrize("situation", [SINGLE_ALONE, SINGLE_ADMIN, ALTERNATING_SECOND], ids=str)
def test_frozen_process_that_was_replaced_changes_nothing(
    house: House, pg16: DatabaseServer, runs: Runs, situation: Situation
) -> None:
    """A process frozen at any point loses its lease to a successor; awake, it changes neither store nor target."""
    hasty = replace(house, policy=SHORT_LEASE)
    frozen = [
        _freeze(hasty, pg16, replace(runs, policy=SHORT_LEASE), situation, point)
        for point in _points(hasty, pg16, runs, situation)
    ]
    for each in frozen:
        _take_over(each.scene)
    for each in frozen:
        before = _snapshot(each.scene)
        woken = each.process.go_on()
        assert not woken.stopped
        assert _snapshot(each.scene) == before, f"{each.point}: {woken}"
        _knows_that_it_was_replaced(each, woken.report, woken.error)
        assert each.scene.logs_in()


def _points(
    house: House, server: DatabaseServer, runs: Runs, situation: Situation
) -> list[tuple[int, str]]:
    """Each freezing point with its place among the effects, as far as the strategy has it."""
    dry = replace(runs, policy=SHORT_LEASE).run(stage(house, server, situation).secret)
    assert f"{CHANGE}: sent" in dry.effects
    return [
        (dry.effects.index(point) + 1, point) for point in FREEZING_POINTS if point in dry.effects
    ]


def _freeze(
    house: House,
    server: DatabaseServer,
    runs: Runs,
    situation: Situation,
    point: tuple[int, str],
) -> _Frozen:
    scene = stage(house, server, situation)
    process = runs.start(scene.secret, stop_at=point[0])
    stopped = process.wait()
    assert stopped.stopped, stopped
    assert stopped.effects[-1] == point[1]
    # That a lease which lasts keeps others out is shown where it lasts for an hour: this one may be over any time.
    owner = Owner.parse(house.history(scene.secret)[0].owner or "")
    assert owner is not None
    assert owner.pid == process.pid
    return _Frozen(point[1], scene, process)


def _take_over(scene: Scene) -> None:
    """Rotates as soon as the lease of the frozen process is over by the store's clock."""

    def rotated() -> bool:
        try:
            report = scene.house.rotate(scene.secret)
        except RotationInProgress:
            return False
        assert report.status is Status.SUCCEEDED, report.failure
        return True

    assert eventually(rotated)
    assert scene.logs_in()
    assert len(scene.new_versions()) == 1


def _knows_that_it_was_replaced(
    each: _Frozen, report: dict[str, str] | None, error: str | None
) -> None:
    """It ends with the successor's report, or with the refusal that names the successor."""
    if error is None:
        token = each.scene.house.labels(each.scene.secret)["AWSCURRENT"]
        assert report == {"status": "succeeded", "token": token}, each.point
    else:
        assert error == RotationInProgress.__name__, each.point


def _snapshot(scene: Scene) -> list[object]:
    """All that the store and the target hold of it."""
    users = [scene.role.name, f"{scene.role.name}_clone"]
    verifiers: list[object] = [
        *scene.server.execute(
            "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s) ORDER BY 1",
            (users,),
        )
    ]
    with scene.house.store.read() as tx:
        for table in tables.metadata.sorted_tables:
            rows = tx.connection.execute(select(table).order_by(*table.primary_key)).all()
            verifiers.append((table.name, rows))
    return verifiers


def test_dead_owner_is_taken_over_at_once(house: House, pg16: DatabaseServer, runs: Runs) -> None:
    """A frozen process keeps its lease; after a SIGKILL nobody waits for the lease's end, which is an hour away."""
    patient = EnginePolicy(retry=QUICK.retry, step_limit=10, lease=3600, drain=0.0)
    scene = stage(replace(house, policy=patient), pg16, SINGLE_ALONE)
    process = replace(runs, policy=patient).start(scene.secret, stop_at=_place(runs, house, pg16))
    assert process.wait().stopped
    with pytest.raises(RotationInProgress, match=f"process {process.pid} "):
        scene.house.rotate(scene.secret)

    process.signal("SIGKILL")
    assert process.wait().killed

    assert scene.house.rotate(scene.secret).status is Status.SUCCEEDED
    assert scene.logs_in()


def _place(runs: Runs, house: House, server: DatabaseServer) -> int:
    dry = runs.run(stage(house, server, SINGLE_ALONE).secret)
    return dry.effects.index(f"{CHANGE}: after") + 1


def test_of_two_processes_one_rotates(house: House, pg16: DatabaseServer, runs: Runs) -> None:
    """Of processes that rotate one secret at once one runs; the others are told who it is and change nothing."""
    scene = stage(house, pg16, SINGLE_ALONE)
    first_effect_of_the_target = 3
    contenders = [runs.start(scene.secret, stop_at=first_effect_of_the_target) for _ in range(3)]

    outcomes = {process.pid: process.wait() for process in contenders}
    (winner,) = [process for process in contenders if outcomes[process.pid].stopped]
    losers = [outcome for outcome in outcomes.values() if not outcome.stopped]

    for loser in losers:
        assert loser.error == RotationInProgress.__name__
        assert loser.message is not None
        assert f"process {winner.pid} on {os.uname().nodename}" in loser.message
    ended = winner.go_on()
    assert ended.report is not None
    assert ended.report["status"] == "succeeded"
    assert len(scene.new_versions()) == 1
    assert scene.logs_in()


def test_of_many_threads_one_rotates(house: House, pg16: DatabaseServer) -> None:
    """Of threads that rotate one secret at once one runs; the others are told that it is this process."""
    scene = stage(house, pg16, SINGLE_ALONE)
    contenders = 4
    engine = house.engine()
    refusals: list[str] = []
    reports = []
    all_refused = threading.Event()
    start = threading.Barrier(contenders)

    def hold(_: Progress) -> None:
        assert all_refused.wait(timeout=60)

    def contend() -> None:
        start.wait(timeout=60)
        try:
            reports.append(engine.rotate(scene.secret, **ME, observer=hold))
        except RotationInProgress as refusal:
            refusals.append(str(refusal))
            if len(refusals) == contenders - 1:
                all_refused.set()

    threads = [threading.Thread(target=contend) for _ in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [report.status for report in reports] == [Status.SUCCEEDED]
    assert len(refusals) == contenders - 1
    assert all(f"process {os.getpid()} " in refusal for refusal in refusals)
    assert len(scene.new_versions()) == 1
    assert scene.logs_in()
