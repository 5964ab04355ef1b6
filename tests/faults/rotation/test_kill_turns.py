"""Rotations of MySQL and MariaDB users that take turns are killed, and resumed.

Killed is at every change of the target, when it is on its way, on the one store at the odd ones, on the other at the
even ones; and at every so many of all effects, on each store at others.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from tests.fix_faults import KILL_POINTS
from tests.integration.mysql.accounts import held
from tests.support.driver import Runs
from tests.support.effects import CHANGE
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase, literal

_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A secret that is about to be rotated.

    Attributes:
        server: the fixture.
        earlier: rotations that it has behind it.
        retires: the old user is retired in the same run.
    """

    server: str
    earlier: int
    retires: bool

    def __str__(self) -> str:
        return f"{self.server}-turns-{'later' if self.earlier else 'first'}"


SITUATIONS = tuple(
    Situation(server=server, earlier=earlier, retires=bool(earlier))
    for server in ("mysql", "mariadb")
    for earlier in (0, 1)
)
each_situation = pytest.mark.parametrize("situation", SITUATIONS, ids=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One secret of a user with two accounts, of which this machine reaches the first."""

    house: House
    server: MysqlDatabase
    accounts: tuple[Account, ...]
    secret: str
    role: str

    @property
    def current(self) -> Account:
        return self.stored("AWSCURRENT")

    def stored(self, label: str) -> Account:
        fields = self.house.fields(self.secret, label)
        return Account(name=fields["username"], password=fields["password"])

    def logs_in(self, label: str = "AWSCURRENT") -> bool:
        return self.server.can_log_in(self.stored(label))

    def clones(self) -> Iterator[tuple[Account, Account]]:
        for account in self.accounts:
            yield account, Account(name=f"{account.name}_clone", password="?", host=account.host)

    def strike(self) -> None:
        """The kill is over: the other account is reached from here on."""
        names = {self.accounts[0].name, f"{self.accounts[0].name}_clone"}
        self.server.execute(*(f"DROP USER IF EXISTS {literal(n)}@'127.0.0.1'" for n in names))

    def clear(self) -> None:
        everyone = [each.spec for pair in self.clones() for each in pair]
        self.server.execute(*(f"DROP USER IF EXISTS {spec}" for spec in everyone))
        self.server.execute(f"DROP ROLE {self.role}")


def stage(house: House, server: MysqlDatabase, situation: Situation) -> Scene:
    """A fresh user whose privileges change right before the rotation that is to be struck."""
    account = server.new_account(host="127.0.0.1")
    other = server.new_account(name=account.name)
    server.execute(f"ALTER USER {other.spec} IDENTIFIED BY {literal(account.password)}")
    role = f"role_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {role}")
    secret = house.adopt(
        server,
        account,
        rotator=f"{server.engine}-alternating-users",
        admin=server.superuser,
        options=RotationOptions(grace=0.0 if situation.retires else None),
    )
    for _ in range(situation.earlier):
        assert house.rotate(secret).failure is None
    to = "FOR" if server.mariadb else "TO"
    server.execute(
        f"GRANT SELECT ON `some\\_pattern%`.* TO {account.spec}",
        f"GRANT {role} TO {account.spec}",
        f"SET DEFAULT ROLE {role} {to} {account.spec}",
    )
    return Scene(house=house, server=server, accounts=(account, other), secret=secret, role=role)


def struck(effects: tuple[str, ...], store_engine: str) -> list[int]:
    """The numbers of the effects at which this store is struck."""
    half = 1 if store_engine == "sqlite" else 0
    sent = [n for n, effect in enumerate(effects, 1) if effect == f"{CHANGE}: sent"]
    spread = range(1 + half * (_EVERY // 2), len(effects) + 1, _EVERY)
    return sorted({*sent[half::2], *spread})


@each_situation
def test_killed_it_resumes(
    house: House,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """After a SIGKILL at any commit, verb or change AWSCURRENT logs in, and the next run completes the clone."""
    server: MysqlDatabase = request.getfixturevalue(situation.server)
    effects = _effects(house, server, runs, situation)
    points = struck(effects, store_engine)
    for number in points:
        scene = stage(house, server, situation)
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_resuming(scene, situation)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
        scene.clear()
    record_property(KILL_POINTS, [f"{situation}, {store_engine}", len(points), len(points)])


@pytest.mark.parametrize("situation", [s for s in SITUATIONS if not s.earlier], ids=str)
@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_killed_it_is_given_up(
    house: House,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    request: pytest.FixtureRequest,
) -> None:
    """After a SIGKILL anywhere `abort` leaves the user as it was, and a clone that nobody can log in to."""
    server: MysqlDatabase = request.getfixturevalue(situation.server)
    effects = _effects(house, server, runs, situation)
    for number in struck(effects, store_engine):
        scene = stage(house, server, situation)
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_giving_up(scene)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
        scene.clear()


def _effects(
    house: House, server: MysqlDatabase, runs: Runs, situation: Situation
) -> tuple[str, ...]:
    """Those of a rotation that nobody disturbs."""
    scene = stage(house, server, situation)
    undisturbed = runs.run(scene.secret)
    assert undisturbed.report is not None, undisturbed
    assert undisturbed.report["status"] == "succeeded", undisturbed
    assert any("change of the target: sent" in effect for effect in undisturbed.effects)
    assert ("retire_secret: before" in undisturbed.effects) is situation.retires
    scene.clear()
    return undisturbed.effects


def _check_resuming(scene: Scene, situation: Situation) -> None:
    assert scene.logs_in(), "the stored credential is refused in the middle of the rotation"
    rotated = _completed(scene, situation)
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().resume(scene.secret, **ME)
    if report is None and not rotated:
        report = scene.house.rotate(scene.secret)
    if report is not None:
        assert report.status is Status.SUCCEEDED, report.failure
    if pending is not None:
        assert scene.house.value_at(scene.secret, "AWSCURRENT") == pending, "a second value"
    for original, clone in scene.clones():
        assert held(scene.server, original) == held(scene.server, clone)
    for _ in scene.accounts:
        assert scene.logs_in()
        assert scene.logs_in("AWSPREVIOUS") is not situation.retires
        scene.strike()


def _completed(scene: Scene, situation: Situation) -> bool:
    """Whether the labels have moved."""
    return len(scene.house.version_ids(scene.secret)) > 1 + situation.earlier and (
        scene.house.value_at(scene.secret, "AWSPENDING") is None
    )


def _check_giving_up(scene: Scene) -> None:
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().abort(scene.secret, **ME)
    assert scene.logs_in()
    if report is None or pending is None:
        return
    assert report.status is Status.FAILED, report.failure
    for _, clone in scene.clones():
        where = f"user = {literal(clone.name)} AND host = {literal(clone.host)}"
        if scene.server.execute(f"SELECT 1 FROM mysql.user WHERE {where}"):
            created = scene.server.execute(f"SHOW CREATE USER {clone.spec}")
            assert "ACCOUNT LOCK" in str(created), f"{clone.spec} may log in"
