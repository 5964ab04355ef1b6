"""A rotation whose password the server's policy refuses is killed between that refusal's cause and its next value."""

from collections.abc import Callable, Iterator

import pytest

from rotator.model.rotation import Status
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Meddling, Outcome, Runs
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase

_LENIENT = "SET GLOBAL validate_password.policy = LOW, GLOBAL validate_password.length = 8"
_STRICT = "SET GLOBAL validate_password.length = 60"  # a first password has 32 characters


@pytest.fixture
def validating(mysql: MysqlDatabase) -> Iterator[MysqlDatabase]:
    """A server that judges passwords."""
    mysql.execute("INSTALL COMPONENT 'file://component_validate_password'")
    try:
        yield mysql
    finally:
        mysql.execute("UNINSTALL COMPONENT 'file://component_validate_password'")


def _stage(house: House, server: MysqlDatabase) -> tuple[str, Account]:
    server.execute(_LENIENT)
    account = server.new_account()
    name = house.adopt(server, account, rotator="mysql-single-user", admin=server.superuser)
    return name, account


def _run(runs: Runs, server: MysqlDatabase, secret: str, kill_at: int | None = None) -> Outcome:
    """Preflight has read the policy and the value is made when the policy grows."""
    superuser = server.superuser
    access = {
        "host": server.host,
        "port": server.port,
        "user": superuser.name,
        "password": superuser.password,
    }
    raised = Meddling(at="create_secret: after", server=access, statement=_STRICT)
    return runs.run(secret, kill_at=kill_at, meddling=raised)


def test_killed_around_a_refused_password_it_resumes(
    house: House,
    runs: Runs,
    validating: MysqlDatabase,
    store_engine: str,
    record_property: Callable[[str, object], None],
) -> None:
    """AWSCURRENT logs in at once; the next run ends with a stricter value, or as before and the one after succeeds."""
    name, account = _stage(house, validating)
    undisturbed = _run(runs, validating, name)
    assert undisturbed.report == {
        "status": "grace",
        "token": house.labels(name)["AWSCURRENT"],
    }, undisturbed
    effects = undisturbed.effects
    made = [number for number, name in enumerate(effects, 1) if name == "create_secret: after"]
    assert len(made) == 2, effects
    last = effects.index("test_secret: before") + 1
    renewed = 0
    for number in range(made[0], last + 1):
        name, account = _stage(house, validating)
        assert _run(runs, validating, name, kill_at=number).killed
        try:
            renewed += _check_resuming(house, validating, name, account)
        except BaseException as error:
            error.add_note(f"killed at effect {number} ({effects[number - 1]})")
            raise
    assert renewed, "no run has gone on with a stricter value"
    tried = last + 1 - made[0]
    record_property(KILL_POINTS, [f"mysql-refused, {store_engine}", tried, tried])


def _check_resuming(house: House, server: MysqlDatabase, name: str, account: Account) -> bool:
    """Whether the rotation went on with the refusal known."""
    assert server.can_log_in(account)
    killed = house.history(name)[0]
    report = house.engine().resume(name, **ME)
    if report is None or report.status is Status.FAILED:
        assert report is None or "policy" in str(report.failure)
        assert server.can_log_in(account)
        assert house.fields(name)["password"] == account.password
        assert "AWSPENDING" not in house.labels(name)
        report = house.rotate(name)
    assert report.status is Status.GRACE, report.failure
    row = house.history(name)[0]
    known = killed.strictness == 1
    if known:
        assert (row.id, row.token, row.strictness) == (killed.id, killed.token, 1)
    new = house.fields(name)
    assert len(new["password"]) >= 60
    assert server.can_log_in(Account(name=new["username"], password=new["password"]))
    assert server.can_log_in(account)
    return known
