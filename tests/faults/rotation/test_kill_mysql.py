"""Rotations on MySQL and MariaDB are killed at every effect, and resumed."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rotator.model.rotation import Status
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Runs
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase, literal

LABELS = ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A secret that is about to be rotated.

    Attributes:
        server: the fixture.
        admin: the superuser's secret is its admin secret, and two accounts have the password.
        dual: both passwords log in afterwards, until the old one is retired.
    """

    name: str
    server: str
    admin: bool
    dual: bool

    def __str__(self) -> str:
        return self.name


SITUATIONS = (
    Situation(name="mysql-itself", server="mysql", admin=False, dual=True),
    Situation(name="mysql-admin", server="mysql", admin=True, dual=True),
    Situation(name="mariadb-itself", server="mariadb", admin=False, dual=False),
    Situation(name="mariadb-admin", server="mariadb", admin=True, dual=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One secret, before the rotation that is to be struck."""

    house: House
    server: MysqlDatabase
    accounts: tuple[Account, ...]
    secret: str

    def logs_in(self, label: str = "AWSCURRENT") -> bool:
        if self.house.value_at(self.secret, label) is None:
            return False
        return self.server.can_log_in(self.house.role(self.secret, label))


def stage(house: House, server: MysqlDatabase, situation: Situation) -> Scene:
    """A fresh user with its secret; with an admin it has two accounts, of which this machine reaches one at a time."""
    account = server.new_account()
    accounts = [account]
    if situation.admin:
        here = server.new_account(name=account.name, host="127.0.0.1")
        server.execute(f"ALTER USER {here.spec} IDENTIFIED BY {literal(account.password)}")
        accounts.insert(0, here)
    elif situation.dual:
        server.execute(f"GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {account.spec}")
    secret = house.adopt(
        server,
        account,
        rotator=f"{server.engine}-single-user",
        admin=server.superuser if situation.admin else None,
    )
    return Scene(house=house, server=server, accounts=tuple(accounts), secret=secret)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_killed_at_every_effect_it_resumes(
    house: House,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """After a SIGKILL at any commit, verb or change of the target AWSCURRENT logs in, and the next run completes."""
    server: MysqlDatabase = request.getfixturevalue(situation.server)
    undisturbed = runs.run(stage(house, server, situation).secret)
    assert undisturbed.report is not None, undisturbed
    effects = undisturbed.effects
    assert any("change of the target: sent" in effect for effect in effects)
    for number in range(1, len(effects) + 1):
        scene = stage(house, server, situation)
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_resuming(scene, situation)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
    name = f"{situation}, {store_engine}"
    record_property(KILL_POINTS, [name, len(effects), len(effects)])


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_killed_at_every_effect_it_is_given_up(
    house: House, runs: Runs, situation: Situation, request: pytest.FixtureRequest
) -> None:
    """After a SIGKILL anywhere `abort` leaves the old password as the only one, unless the rotation had ended."""
    server: MysqlDatabase = request.getfixturevalue(situation.server)
    effects = runs.run(stage(house, server, situation).secret).effects
    for number in range(1, len(effects) + 1):
        scene = stage(house, server, situation)
        assert runs.run(scene.secret, kill_at=number).killed
        try:
            _check_giving_up(scene)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise


def _check_giving_up(scene: Scene) -> None:
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().abort(scene.secret, **ME)
    if report is None or pending is None:
        assert scene.logs_in()
        return
    assert report.status is Status.FAILED, report.failure
    fields = pending.fields()
    made = Account(name=fields["username"], password=fields["password"])
    for account in scene.accounts:
        assert scene.logs_in(), f"{account.spec} was left behind"
        assert not scene.server.can_log_in(made), f"the new password is left on {account.spec}"
        scene.server.execute(f"DROP USER {account.spec}")


def _check_resuming(scene: Scene, situation: Situation) -> None:
    if situation.dual:
        assert scene.logs_in(), "the stored credential is refused in the middle of a dual rotation"
    else:
        labels = scene.house.labels(scene.secret)
        assert any(scene.logs_in(label) for label in LABELS if label in labels), "nothing logs in"
    pending = scene.house.value_at(scene.secret, "AWSPENDING")
    report = scene.house.engine().resume(scene.secret, **ME)
    if report is None and not scene.house.value_at(scene.secret, "AWSPREVIOUS"):
        report = scene.house.rotate(scene.secret)
    if report is not None:
        ended = Status.GRACE if situation.dual else Status.SUCCEEDED
        assert report.status is ended, report.failure
    if pending is not None:
        assert scene.house.value_at(scene.secret, "AWSCURRENT") == pending, "a second value"
    # Each account in turn is the one that this machine reaches.
    for account in scene.accounts:
        assert scene.logs_in(), f"{account.spec} was left behind"
        assert scene.logs_in("AWSPREVIOUS") is situation.dual
        scene.server.execute(f"DROP USER {account.spec}")
