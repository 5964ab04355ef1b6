"""The retirement of an old credential is killed at every effect, and resumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import InUse, Status
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Runs
from tests.support.house import House
from tests.support.ldap_server import LdapServer, Person
from tests.support.manager import ME
from tests.support.mysql import MysqlDatabase, literal
from tests.support.postgres import DatabaseServer, Role
from tests.support.redis_server import RedisServer, User

Server = DatabaseServer | MysqlDatabase | RedisServer | LdapServer

_WRITES = ("commit", "change of the target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A rotation whose old credential still logs in.

    Attributes:
        server: the fixture.
        admin: the superuser's secret is its admin secret.
        grace: 0 where the rotation itself retires, and so is what is killed; else `retire` is.
    """

    name: str
    server: str
    rotator: str
    admin: bool = True
    grace: float = 3600.0

    def __str__(self) -> str:
        return self.name


PG = Situation(name="postgresql-turns", server="pg16", rotator="postgresql-alternating-users")
MYSQL = Situation(name="mysql", server="mysql", rotator="mysql-single-user")
MARIADB = Situation(name="mariadb", server="mariadb", rotator="mariadb-single-user")
REDIS = Situation(name="redis", server="redis_server", rotator="redis-acl")
LDAP = Situation(name="openldap", server="ldap_server", rotator="openldap-password")
ITSELF = Situation(name="mysql-itself", server="mysql", rotator="mysql-single-user", admin=False)
AT_ONCE = Situation(name="mysql-at-once", server="mysql", rotator="mysql-single-user", grace=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One secret right before the run that is to be struck, and the credential that is to die."""

    house: House
    server: Server
    secret: str
    old: Role

    def strike(self, runs: Runs, situation: Situation, *, at: int | None = None) -> tuple[str, ...]:
        do = "retire" if situation.grace else "rotate"
        outcome = runs.run(self.secret, do=do, kill_at=at)
        assert outcome.error is None, outcome
        assert outcome.killed is (at is not None)
        return outcome.effects

    def logs_in(self) -> bool:
        return _logs_in(self.server, self.house.role(self.secret))


def _logs_in(server: Server, role: Role) -> bool:
    match server:
        case RedisServer():
            return server.can_log_in(User(name=role.name, password=role.password))
        case LdapServer():
            return server.can_log_in(Person(dn=role.name, password=role.password))
        case _:
            return server.can_log_in(role)


def _stage(
    house: House, situation: Situation, server: Server, *, in_use: InUse = InUse.TERMINATE
) -> Scene:
    """A new secret, rotated where there is a grace period."""
    options = RotationOptions(grace=situation.grace, in_use=in_use)
    secret = _adopt(house, situation, server, options)
    old = house.role(secret)
    if situation.grace:
        assert house.rotate(secret).status is Status.GRACE
    return Scene(house=house, server=server, secret=secret, old=old)


def _stage_again(scene: Scene, situation: Situation) -> Scene:
    """The same secret after it was resumed, so that a further run can be struck."""
    house, secret = scene.house, scene.secret
    if not situation.grace:
        return replace(scene, old=house.role(secret))
    if house.history(secret)[0].status != Status.GRACE:
        assert house.rotate(secret).status is Status.GRACE
    return replace(scene, old=house.role(secret, "AWSPREVIOUS"))


def _adopt(house: House, situation: Situation, server: Server, options: RotationOptions) -> str:
    of: dict[str, Any] = {"rotator": situation.rotator, "options": options}
    match server:
        case DatabaseServer():
            return house.adopt(server, server.new_role(), admin=server.superuser, **of)
        case RedisServer():
            return house.adopt(server, server.new_user(), admin=server.superuser, **of)
        case LdapServer():
            return house.adopt(server, server.new_person(), admin=server.admin, **of)
    account = server.new_account()
    if not situation.admin:
        server.execute(f"GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {account.spec}")
    admin = server.superuser if situation.admin else None
    return house.adopt(server, account, admin=admin, **of)


@pytest.mark.parametrize(
    ("store_engine", "situation"),
    [
        *[
            (store, each)
            for store in ("sqlite", "postgresql")
            for each in (PG, MYSQL, MARIADB, REDIS, LDAP)
        ],
        ("sqlite", ITSELF),
        ("sqlite", AT_ONCE),
    ],
    indirect=["store_engine"],
    ids=str,
)
def test_killed_at_every_effect_it_resumes(
    house: House,
    runs: Runs,
    situation: Situation,
    store_engine: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """After a SIGKILL at any commit, verb or change AWSCURRENT logs in, and the next run ends the old credential."""
    server: Server = request.getfixturevalue(situation.server)
    scene = _stage(house, situation, server)
    effects = scene.strike(runs, situation)
    assert "retire_secret: before" in effects
    first = 1 if situation.grace else effects.index("test_secret: after") + 1
    points = _different(effects, first=first, writes_only=store_engine == "postgresql")
    for index, number in enumerate(points):
        scene = _stage_again(scene, situation)
        scene.strike(runs, situation, at=number)
        try:
            _check_resuming(scene, by_rotating=index % 3 == 0)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
    record_property(KILL_POINTS, [f"retire {situation}, {store_engine}", len(points), len(points)])


def _different(effects: Sequence[str], *, first: int, writes_only: bool) -> list[int]:
    """The numbers of the effects but of one kind: where one ends and the next begins, with nothing in between that a
    store or a target could tell, the beginning stands for both.

    Args:
        writes_only: on the second store; what only asks the target is struck on the first.
    """
    following = [*effects[1:], ""]
    return [
        number
        for number, (effect, then) in enumerate(zip(effects, following, strict=True), start=1)
        if number >= first
        and not (effect.endswith(": after") and then.endswith(": before"))
        and (not writes_only or effect.startswith(_WRITES))
    ]


def _check_resuming(scene: Scene, *, by_rotating: bool) -> None:
    assert scene.logs_in()
    engine = scene.house.engine()
    if by_rotating:
        report = engine.rotate(scene.secret, **ME, end_grace=True)
        assert report.status in {Status.GRACE, Status.SUCCEEDED}, report.failure
    else:
        resumed = engine.resume(scene.secret, **ME)
        # On MySQL and MariaDB a success warns that sessions, which show no password, may live.
        assert resumed is None or resumed.status in {Status.GRACE, Status.SUCCEEDED}, resumed
        retired = engine.retire(scene.secret, **ME)
        assert retired is None or retired.status is Status.SUCCEEDED, retired
    assert scene.logs_in()
    assert not _logs_in(scene.server, scene.old)
    last, *others = scene.house.history(scene.secret)
    assert all(row.retired for row in others)
    assert last.retired or (by_rotating and last.status == Status.GRACE)


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", ["probe: before", "retire_secret: before"])
def test_killed_while_a_person_retired_nobody_is_waited_for(
    house: House, runs: Runs, pg16: DatabaseServer, point: str
) -> None:
    """Where `retire` was asked for, what takes it up after a SIGKILL doesn't wait for clients either."""
    scene = _stage(house, PG, pg16, in_use=InUse.WAIT)
    with pg16.connect(scene.old):
        effects = scene.strike(runs, PG)
        scene = _stage_again(scene, PG)
    with pg16.connect(scene.old):
        scene.strike(runs, PG, at=effects.index(point) + 1)
        assert scene.logs_in()
        report = house.engine().resume(scene.secret, **ME)
        assert report is not None
        assert report.status is Status.SUCCEEDED, report.failure
    assert not pg16.can_log_in(scene.old)


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_killed_once_an_account_is_cut_off_nobody_is_waited_for(
    house: House, runs: Runs, mariadb: MysqlDatabase
) -> None:
    """With the old password dead at one host of two, a client that came at the other keeps nothing waiting, also where
    only by then it is set that clients are waited for.
    """
    account = mariadb.new_account(host="127.0.0.1")
    elsewhere = replace(account, host="10.%")
    mariadb.execute(f"CREATE USER {elsewhere.spec} IDENTIFIED BY {literal(account.password)}")
    secret = house.adopt(
        mariadb,
        account,
        rotator="mariadb-alternating-users",
        admin=mariadb.superuser,
        options=RotationOptions(grace=3600.0, in_use=InUse.WARN),
    )
    assert house.rotate(secret).status is Status.GRACE
    house.end_grace_periods()
    went = runs.run(secret, do="resume").effects
    cut = went.index("change of the target: after", went.index("retire_secret: before")) + 1
    old = house.role(secret)
    assert house.rotate(secret).status is Status.GRACE
    house.end_grace_periods()
    assert runs.run(secret, do="resume", kill_at=cut).killed
    house.manager.set_rotation(
        **ME, secret_id=secret, options=RotationOptions(grace=3600.0, in_use=InUse.WAIT)
    )
    with mariadb.connect(old):
        report = house.engine().resume(secret, **ME)
    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert [use.user for use in report.in_use] == [old.name]
    assert not mariadb.can_log_in(old)
    assert mariadb.can_log_in(house.role(secret))
