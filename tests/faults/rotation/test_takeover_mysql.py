"""A process that was frozen in the middle of RETAIN or DISCARD wakes after another one has taken its place."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from rotator.errors import RotationInProgress
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.rotation.policy import EnginePolicy
from rotator.store import tables
from tests.support.driver import Process, Runs
from tests.support.effects import CHANGE
from tests.support.house import QUICK, House
from tests.support.manager import ME
from tests.support.mysql import MysqlDatabase, literal
from tests.support.postgres import Role
from tests.support.store import only_postgresql
from tests.support.waiting import eventually

pytestmark = only_postgresql

_SHORT_LEASE = EnginePolicy(retry=QUICK.retry, step_limit=4.0, lease=8.0, drain=0.0)
_POINTS = (f"{CHANGE}: before", f"{CHANGE}: sent", f"{CHANGE}: after")
_ACCOUNTS = {
    "mysql": "SELECT user, host, authentication_string, user_attributes FROM mysql.user WHERE user = ",
    "mariadb": "SELECT user, host, priv FROM mysql.global_priv WHERE user = ",
}


@dataclass(frozen=True, slots=True)
class _Scene:
    """One secret right before the run that is frozen, and the credential that is replaced."""

    house: House
    server: MysqlDatabase
    secret: str
    old: Role
    do: str

    def go(self) -> None:
        """What is frozen, in this process; it ends as it should."""
        if self.do == "rotate":
            report = self.house.rotate(self.secret)
            assert report.status is Status.GRACE, report.failure
            return
        retired = self.house.engine().retire(self.secret, **ME)
        assert retired is not None
        assert retired.status is Status.SUCCEEDED, retired.failure

    def snapshot(self) -> list[object]:
        """All that the store and the target hold of it."""
        name = self.house.role(self.secret).name
        asked = _ACCOUNTS[self.server.engine] + literal(name)
        held: list[object] = list(self.server.execute(asked))
        with self.house.store.read() as tx:
            for table in tables.metadata.sorted_tables:
                rows = tx.connection.execute(select(table).order_by(*table.primary_key)).all()
                held.append((table.name, rows))
        return held

    def holds(self) -> None:
        """The new credential logs in, and the old one does as long as it was not to be retired."""
        assert self.server.can_log_in(self.house.role(self.secret))
        assert self.server.can_log_in(self.old) is (self.do == "rotate")


def _stage(house: House, server: MysqlDatabase, do: str) -> _Scene:
    secret = house.adopt(
        server,
        server.new_account(),
        rotator=f"{server.engine}-single-user",
        admin=server.superuser,
        options=RotationOptions(grace=3600.0),
    )
    old = house.role(secret)
    scene = _Scene(house, server, secret, old, do)
    if do == "retire":
        assert house.rotate(secret).status is Status.GRACE
    return scene


def _freeze(scene: _Scene, runs: Runs, place: int, point: str) -> Process:
    process = runs.start(scene.secret, do=scene.do, stop_at=place)
    stopped = process.wait()
    assert stopped.stopped, stopped
    assert stopped.effects[-1] == point
    return process


def _take_over(scene: _Scene) -> None:
    """As soon as the lease of the frozen process is over by the store's clock."""

    def taken() -> bool:
        try:
            scene.go()
        except RotationInProgress:
            return False
        return True

    assert eventually(taken)
    scene.holds()


@pytest.mark.parametrize("do", ["rotate", "retire"])
@pytest.mark.parametrize("server", ["mysql", "mariadb"])
def test_a_late_retain_or_discard_changes_nothing(
    house: House, runs: Runs, request: pytest.FixtureRequest, server: str, do: str
) -> None:
    """Frozen before, in and after the statement that changes the target, and replaced, it changes neither store nor
    target when it wakes.
    """
    target: MysqlDatabase = request.getfixturevalue(server)
    house = replace(house, policy=_SHORT_LEASE)
    runs = replace(runs, policy=_SHORT_LEASE)
    effects = runs.run(_stage(house, target, do).secret, do=do).effects
    frozen = []
    for point in _POINTS:
        scene = _stage(house, target, do)
        frozen.append((point, scene, _freeze(scene, runs, effects.index(point) + 1, point)))
    for _, scene, _ in frozen:
        _take_over(scene)
    for point, scene, process in frozen:
        before = scene.snapshot()
        woken = process.go_on()
        assert not woken.stopped
        assert woken.error in {None, RotationInProgress.__name__}, (point, woken)
        assert scene.snapshot() == before, (point, woken)
        scene.holds()
