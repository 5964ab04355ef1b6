"""Someone changes a secret from outside at every point of its rotation (DESIGN, invariant 12)."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from rotator.errors import ResourceNotFound
from rotator.model.rotation import Status
from rotator.rotation.report import Report
from rotator.store.store import Store
from tests.faults.rotation.outside import (
    CANCEL,
    DELETE,
    FORCE_DELETE,
    MOVE_CURRENT,
    PUT,
    REMOVE_PENDING,
    Change,
)
from tests.faults.rotation.situations import (
    ALTERNATING_SECOND,
    SINGLE_ALONE,
    Scene,
    Situation,
    pinned,
    stage,
)
from tests.support.effects import effects
from tests.support.house import QUICK, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer
from tests.support.store import only_sqlite

ONCE_BEFORE = replace(SINGLE_ALONE, earlier=1)  # so that there is an AWSPREVIOUS
each_situation = pytest.mark.parametrize(
    ("store_engine", "situation"),
    [("sqlite", ONCE_BEFORE), ("postgresql", ONCE_BEFORE), ("sqlite", ALTERNATING_SECOND)],
    indirect=["store_engine"],
    ids=str,
)
_NOBODY_LISTENS = 1  # a port
WITH_DRAIN = replace(QUICK, drain=0.001)


@dataclass
class _Intruder:
    """Makes a change at the n-th point of a rotation, and notes what the store was like right after it."""

    scene: Scene
    change: Change
    at: int
    reached: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    status: Status | None = None

    def __call__(self, point: str) -> None:
        self.reached.append(point)
        if len(self.reached) == self.at:
            self.change.make(self.scene)
            with contextlib.suppress(ResourceNotFound):
                self.labels = self.scene.house.labels(self.scene.secret)
                history = self.scene.house.history(self.scene.secret)
                self.status = history[0].state.status if history else None


@each_situation
@pytest.mark.parametrize("change", [PUT, CANCEL, DELETE, MOVE_CURRENT, REMOVE_PENDING], ids=str)
def test_change_from_outside_abandons_the_rotation(
    house: House,
    pg16: DatabaseServer,
    open_store: Callable[[str], Store],
    store_url: str,
    situation: Situation,
    change: Change,
) -> None:
    """At every point the rotation stops, moves no label, says truly which value lives, and the next one heals."""
    outside = replace(house, store=open_store(store_url))
    for point in _points(house, pg16, situation):
        intruder = _Intruder(stage(outside, pg16, situation), change, point)
        report = _rotate(house, intruder)
        with _noted(f"{change} at point {point}: {intruder.reached[point - 1]}"):
            assert report is not None
            _check_truth(intruder, report)
            _check_healing(intruder, report)


@pytest.mark.parametrize("situation", [SINGLE_ALONE], ids=str)
def test_forced_deletion_keeps_what_may_live(
    house: House,
    pg16: DatabaseServer,
    open_store: Callable[[str], Store],
    store_url: str,
    situation: Situation,
) -> None:
    """A secret that is deleted by force at any point of its rotation takes no value with it that the target has."""
    outside = replace(house, store=open_store(store_url))
    for point in _points(house, pg16, situation):
        intruder = _Intruder(stage(outside, pg16, situation), FORCE_DELETE, point)
        scene = intruder.scene
        report = _rotate(house, intruder)
        with _noted(f"at point {point}: {intruder.reached[point - 1]}"):
            if intruder.status is None:
                completed = report is not None and report.status is Status.SUCCEEDED
                assert pg16.can_log_in(scene.role) is not completed
            else:
                assert report is not None
                assert report.status in {Status.ABANDONED, Status.DIVERGED}, report.failure
                assert scene.logs_in() is (report.status is Status.ABANDONED)
                assert pinned(scene) == _kept(report)


@only_sqlite
@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("probe: before", "accepts the value of an abandoned rotation"),
        ("create_secret: after", "accepts the value of an abandoned rotation"),
        (
            "drain",
            "none of the stored values that were tried",
        ),  # there is a newer one, which nobody has set
    ],
)
def test_the_next_rotation_is_abandoned_too(
    house: House,
    pg16: DatabaseServer,
    open_store: Callable[[str], Store],
    store_url: str,
    at: str,
    said: str,
) -> None:
    """What an abandoned rotation has set is kept, and found by whoever settles the next one or rotates after that."""
    scene = stage(replace(house, store=open_store(store_url)), pg16, SINGLE_ALONE)
    first = _put_at("set_secret: after", house, scene)
    assert first.status is Status.DIVERGED

    second = _put_at(at, house, scene)

    assert second.status is Status.DIVERGED
    assert second.failure is not None
    assert said in second.failure.message
    assert first.token in pinned(scene)
    healed = house.rotate(scene.secret)
    assert (healed.status, healed.failure) == (Status.SUCCEEDED, None)
    assert scene.logs_in()
    assert not pinned(scene)


def test_an_abort_that_finds_nothing_to_undo_is_told_of_the_change_that_crossed_it(
    house: House, pg16: DatabaseServer, open_store: Callable[[str], Store], store_url: str
) -> None:
    """Where a value is put between the claim of `rotate abort` and the end that it writes, the rotation is abandoned:
    that is reported, not that somebody else has it.
    """
    outside = replace(house, store=open_store(store_url))
    scene = stage(outside, pg16, SINGLE_ALONE, address=(pg16.host, _NOBODY_LISTENS))
    assert house.rotate(scene.secret, engine=house.engine(parks=True)).status is Status.WAITING
    put: list[str] = []

    def strike(effect: str) -> None:
        if not put:
            put.append(effect)
            PUT.make(scene)

    with effects(strike, transactions=True):
        report = house.engine().abort(scene.secret, **ME)

    assert put == ["write: over"]
    assert report is not None
    assert report.status is Status.ABANDONED


def _put_at(name: str, house: House, scene: Scene) -> Report:
    """The report of a rotation during which a value is put, at the first effect of that name."""
    put: list[str] = []

    def strike(effect: str) -> None:
        if effect == name and not put:
            put.append(effect)
            PUT.make(scene)

    engine = house.engine(policy=WITH_DRAIN, sleep=lambda _: strike("drain"))
    with effects(strike, transactions=True):
        report = house.rotate(scene.secret, engine=engine)
    assert put == [name]
    return report


def _points(house: House, server: DatabaseServer, situation: Situation) -> range:
    """All points of a rotation that nobody disturbs."""
    watcher = _Intruder(stage(house, server, situation), PUT, at=0)
    _rotate(house, watcher)
    return range(1, len(watcher.reached) + 1)


def _rotate(house: House, intruder: _Intruder) -> Report | None:
    """The report; None where the secret was gone."""
    engine = house.engine(policy=WITH_DRAIN, sleep=lambda _: intruder("drain"))
    with effects(intruder, transactions=True):
        try:
            return house.rotate(intruder.scene.secret, engine=engine)
        except ResourceNotFound:
            return None


@contextlib.contextmanager
def _noted(where: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(where)
        raise


def _check_truth(intruder: _Intruder, report: Report) -> None:
    scene = intruder.scene
    assert scene.versions <= scene.house.version_ids(scene.secret)
    if intruder.status not in {Status.ABANDONING, Status.ABANDONED}:
        # It had ended, or there was nothing to change yet.
        assert report.status is Status.SUCCEEDED
        return
    assert scene.house.labels(scene.secret) == intruder.labels, "a label was moved afterwards"
    assert report.status in {Status.ABANDONED, Status.DIVERGED}, report.failure
    assert report.failure is not None
    assert "abandoned" in report.failure.message
    # What it says of the target is what a login shows.
    assert scene.logs_in() is (report.status is Status.ABANDONED)
    assert pinned(scene) == _kept(report)


def _kept(report: Report) -> set[str]:
    return {report.token} if report.status is Status.DIVERGED else set()


def _check_healing(intruder: _Intruder, report: Report) -> None:
    scene = intruder.scene
    intruder.change.mend(scene)
    healed = scene.house.rotate(scene.secret)
    assert healed.status is Status.SUCCEEDED, healed.failure
    assert scene.logs_in()
    assert not pinned(scene)
    at = scene.house.labels(scene.secret)
    assert at["AWSCURRENT"] == healed.token
    assert "AWSPENDING" not in at
    assert (
        report.token in scene.house.version_ids(scene.secret)
        or report.status is not Status.DIVERGED
    )
