"""A rotation is killed at every effect, and resumed."""

from collections.abc import Callable

import pytest

from rotator.model.rotation import Status
from rotator.rotation.report import Report
from tests.faults.rotation.situations import SITUATIONS, Scene, Situation, stage
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Runs
from tests.support.effects import CHANGE
from tests.support.house import House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer

_EVERY = 7  # of the kill points begins a chain of kills
_STEP = 3  # effects that each link of a chain gets further

each_situation = pytest.mark.parametrize("situation", SITUATIONS, ids=str)


@each_situation
def test_killed_at_every_effect_it_resumes(
    house: House,
    pg16: DatabaseServer,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    record_property: Callable[[str, object], None],
) -> None:
    """After a SIGKILL at any store commit, verb or change of the target the next run completes the rotation."""
    effects = _effects_of(house, pg16, runs, situation)
    # Each point is resumed by `resume` on the one store and by `rotate` on the other.
    parity = store_engine == "sqlite"
    resumed = 0
    for number in range(1, len(effects) + 1):
        scene = stage(house, pg16, situation)
        killed = runs.run(scene.secret, kill_at=number)
        assert killed.killed, f"{number}: {killed}"
        assert killed.effects == effects[:number]
        with _named(f"killed at effect {number} ({effects[number - 1]})"):
            _check_resuming(scene, ask_to_rotate=bool(number % 2) == parity)
        resumed += 1
    record_property(KILL_POINTS, [f"{situation}, {store_engine}", resumed, len(effects)])


@each_situation
def test_killed_again_and_again_it_gets_through(
    house: House,
    pg16: DatabaseServer,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    record_property: Callable[[str, object], None],
) -> None:
    """A rotation whose every resume is killed too, each a little later, ends as if it had been killed once."""
    effects = _effects_of(house, pg16, runs, situation)
    kills = 0
    for first in range(1, len(effects) + 1, _EVERY):
        scene = stage(house, pg16, situation)
        outcome = runs.run(scene.secret, kill_at=first)
        kill_at = 1
        while outcome.killed:
            kills += 1
            scene.still_holds()
            outcome = runs.run(scene.secret, do="resume", kill_at=kill_at)
            kill_at += _STEP
        with _named(f"killed at effect {first}, then at every {_STEP}rd of its resumes"):
            assert outcome.error is None, outcome
            if not _completed(scene):
                scene.house.rotate(scene.secret)
            _check_end(scene, made=1)
    record_property(KILL_POINTS, [f"{situation}, {store_engine}, again and again", kills, kills])


def _effects_of(
    house: House, server: DatabaseServer, runs: Runs, situation: Situation
) -> tuple[str, ...]:
    """The effects of a rotation that nobody disturbs."""
    outcome = runs.run(stage(house, server, situation).secret)
    assert outcome.report is not None, outcome
    assert outcome.report["status"] == "succeeded", outcome
    # A change that goes out by a way which the watch doesn't know would not be struck at.
    assert {f"{CHANGE}: {moment}" for moment in ("before", "sent", "after")} <= {*outcome.effects}
    return outcome.effects


class _named:  # noqa: N801  # reads as a statement
    """Says in a failure which kill point it was."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(self._where)


def _check_resuming(scene: Scene, *, ask_to_rotate: bool) -> None:
    scene.still_holds()
    completed = _completed(scene)
    value = scene.house.value_at(scene.secret, "AWSPENDING")
    report = _resume(scene, ask_to_rotate=ask_to_rotate, completed=completed)
    if report is not None:
        assert report.status is Status.SUCCEEDED, report.failure
    if value is not None:
        assert scene.house.value_at(scene.secret, "AWSCURRENT") == value, "a second value was made"
    _check_end(scene, made=2 if completed and ask_to_rotate else 1)


def _completed(scene: Scene) -> bool:
    """Whether the run had committed its end before it was killed."""
    last = next(iter(scene.house.history(scene.secret)), None)
    return last is not None and last.status == Status.SUCCEEDED and last.token not in scene.versions


def _resume(scene: Scene, *, ask_to_rotate: bool, completed: bool) -> Report | None:
    engine = scene.house.engine()
    report = None if ask_to_rotate else engine.resume(scene.secret, **ME)
    if report is None and (ask_to_rotate or not completed):
        return engine.rotate(scene.secret, **ME)
    return report


def _check_end(scene: Scene, *, made: int) -> None:
    """One new version is AWSCURRENT and logs in; the version before is AWSPREVIOUS; nothing else has a label."""
    after = scene.house.labels(scene.secret)
    new = scene.new_versions()
    assert len(new) == made
    assert after["AWSCURRENT"] in new
    (previous,) = new - {after["AWSCURRENT"]} or {scene.labels["AWSCURRENT"]}
    assert after == {"AWSCURRENT": after["AWSCURRENT"], "AWSPREVIOUS": previous}
    assert scene.logs_in()
