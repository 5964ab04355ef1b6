"""Rotations of Redis users are killed at every effect, and resumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Runs
from tests.support.house import House
from tests.support.manager import ME
from tests.support.redis_server import RedisServer, User, new_user_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One secret, before the rotation that is to be struck."""

    house: House
    nodes: Sequence[RedisServer]
    user: User
    secret: str

    def stored(self, label: str = "AWSCURRENT") -> User:
        fields = self.house.fields(self.secret, label)
        return User(name=fields["username"], password=fields["password"])

    def log_in(self, label: str = "AWSCURRENT") -> list[bool]:
        """Whether the stored credential logs in, on each node."""
        return [node.can_log_in(self.stored(label)) for node in self.nodes]


@pytest.fixture(params=["itself", "two-nodes"])
def situation(request: pytest.FixtureRequest) -> str:
    """A user that changes itself on one server; one that an admin changes on a primary and its replica."""
    found: str = request.param
    return found


@pytest.fixture
def stage(house: House, situation: str, request: pytest.FixtureRequest) -> Callable[[], Scene]:
    """Makes a fresh user with its secret."""

    def made() -> Scene:
        if situation == "itself":
            nodes = [request.getfixturevalue("redis_server")]
            rules, admin, options = (
                ("~*", "&*", "+@all"),
                None,
                RotationOptions(allow_privileged=True),
            )
        else:
            nodes = request.getfixturevalue("replica_set")
            rules, admin, options = ("~*", "&*", "+@read"), nodes[0].superuser, RotationOptions()
        user = new_user_of(nodes, rules)
        secret = house.adopt(nodes[0], user, rotator="redis-acl", admin=admin, options=options)
        return Scene(house=house, nodes=nodes, user=user, secret=secret)

    return made


def test_killed_at_every_effect_it_resumes(
    stage: Callable[[], Scene],
    runs: Runs,
    situation: str,
    store_engine: str,
    record_property: Callable[[str, object], None],
) -> None:
    """After a SIGKILL at any commit, verb or change of a node AWSCURRENT logs in, and the next run completes."""
    undisturbed = runs.run(stage().secret)
    assert undisturbed.report is not None, undisturbed
    effects = undisturbed.effects
    assert any("change of the target: sent" in effect for effect in effects)
    for number in range(1, len(effects) + 1):
        scene = stage()
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_resuming(scene)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
    name = f"redis-{situation}, {store_engine}"
    record_property(KILL_POINTS, [name, len(effects), len(effects)])


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_killed_at_every_effect_it_is_given_up(stage: Callable[[], Scene], runs: Runs) -> None:
    """After a SIGKILL anywhere `abort` leaves the old password as the only one, unless the rotation had ended."""
    effects = runs.run(stage().secret).effects
    for number in range(1, len(effects) + 1):
        scene = stage()
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_giving_up(scene)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise


def _check_resuming(scene: Scene) -> None:
    assert all(scene.log_in()), "the stored credential is refused in the middle of the rotation"
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().resume(scene.secret, **ME)
    if report is None and not scene.house.value_at(scene.secret, "AWSPREVIOUS"):
        report = scene.house.rotate(scene.secret)
    if report is not None:
        assert report.failure is None, report
    if pending is not None:
        assert scene.house.value_at(scene.secret, "AWSCURRENT") == pending, "a second value"
    assert all(scene.log_in()), "the new password is refused"
    assert all(scene.log_in("AWSPREVIOUS")), "the old password is refused before its retirement"
    for node in scene.nodes:
        assert len(node.passwords(scene.user)) == 2


def _check_giving_up(scene: Scene) -> None:
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().abort(scene.secret, **ME)
    assert all(scene.log_in())
    if report is None or pending is None:
        return
    assert report.status is Status.FAILED, report.failure
    for node in scene.nodes:
        assert node.can_log_in(scene.user)
        assert len(node.passwords(scene.user)) == 1, "the new password is left"
