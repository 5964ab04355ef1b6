"""Passwords that MySQL's policy refuses: the rotation makes stricter ones in its attempts, or says why none will do."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from rotator.model.rotation import Phase, Status
from rotator.rotation.report import Progress, ProgressKind
from rotator.sdk import Candidate, Overlap, PasswordRefused, Rotator, TargetRefused
from rotator.store.tables import audit
from rotators.mysql import AlternatingUsers, SingleUser
from tests.integration.mysql.support import account_of, by_admin, current
from tests.support.house import House
from tests.support.mysql import Account, MysqlDatabase, literal
from tests.support.rotations import attempt, rotation_of, with_pending

_MADE = Phase.CREATE, ProgressKind.DONE  # preflight has read the policy, setSecret comes


@pytest.fixture
def validating(mysql: MysqlDatabase) -> Iterator[MysqlDatabase]:
    """A server that judges passwords, leniently at first."""
    mysql.execute("INSTALL COMPONENT 'file://component_validate_password'")
    mysql.execute("SET GLOBAL validate_password.policy = LOW")
    try:
        yield mysql
    finally:
        mysql.execute("UNINSTALL COMPONENT 'file://component_validate_password'")


def _adopted(house: House, server: MysqlDatabase, rotator: str) -> tuple[str, Account]:
    account = server.new_account()
    return house.adopt(server, account, rotator=rotator, admin=server.superuser), account


def _asking(
    server: MysqlDatabase, *lengths: int, after: tuple[Phase, ProgressKind] = _MADE
) -> Callable[[Progress], None]:
    """Has the server ask for another length each time that a value was made."""
    left = list(lengths)

    def observe(progress: Progress) -> None:
        if (progress.phase, progress.kind) == after and left:
            server.execute(f"SET GLOBAL validate_password.length = {left.pop(0)}")

    return observe


@pytest.mark.parametrize("rotator", ["mysql-single-user", "mysql-alternating-users"])
def test_a_stricter_value_is_made_within_the_attempts(
    house: House, validating: MysqlDatabase, rotator: str
) -> None:
    """A policy that grows after preflight, twice: the third value of the same token succeeds; the reasons are told."""
    name, account = _adopted(house, validating, rotator)
    report = house.rotate(name, observer=_asking(validating, 60, 100))

    alternating = rotator == "mysql-alternating-users"
    ended = Status.SUCCEEDED if alternating else Status.GRACE
    assert report.status is ended, report.failure
    assert report.attempts == 3
    refused = [step for step in report.steps if step.outcome == "policy"]
    assert [(step.phase, step.attempt) for step in refused] == [(Phase.SET, 1), (Phase.SET, 2)]
    assert "policy" in (refused[0].detail or "")
    row = house.history(name)[0]
    assert (row.strictness, row.token) == (2, house.labels(name)["AWSCURRENT"])
    new = house.fields(name)
    assert len(new["password"]) == 128
    assert validating.can_log_in(Account(name=new["username"], password=new["password"]))
    assert validating.can_log_in(account)
    assert set(house.labels(name)) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert len(house.version_ids(name)) == 2, "a refused value has left a version"


def test_a_policy_that_nothing_meets_ends_with_the_reason(
    house: House, validating: MysqlDatabase
) -> None:
    """Refused to the end of the attempts: failed, the old password is the only one, and the reason is told and kept."""
    name, account = _adopted(house, validating, "mysql-single-user")
    raising = _asking(validating, 200, 200, 200)
    lowering = _asking(validating, 8, 8, 8, after=(Phase.PREFLIGHT, ProgressKind.STARTED))

    def observe(progress: Progress) -> None:
        raising(progress)
        lowering(progress)

    report = house.rotate(name, observer=observe)

    assert report.status is Status.FAILED
    assert report.attempts == house.policy.retry.attempts
    assert report.failure is not None
    assert "doesn't satisfy the server's policy" in report.failure.message
    assert "3 passwords were refused" in report.failure.message
    assert "SHOW VARIABLES" in (report.failure.hint or "")
    kept = house.history(name)[0].failure
    assert kept is not None
    assert kept["message"] == report.failure.message
    assert set(house.labels(name)) == {"AWSCURRENT"}
    assert validating.can_log_in(account)
    kept_beside = "SELECT User_attributes->>'$.additional_password' FROM mysql.user WHERE user = "
    assert validating.execute(kept_beside + literal(account.name)) == [(None,)]
    with house.store.read() as tx:
        query = select(audit.c.outcome, audit.c.detail).where(
            audit.c.event == "PendingValueRefused", audit.c.version_id == report.token
        )
        recorded = tx.execute(query).all()
    assert [(row.outcome, row.detail["kind"]) for row in recorded] == [("failed", "policy")] * 2


@pytest.mark.parametrize("kind", [SingleUser, AlternatingUsers])
def test_what_preflight_cant_see_is_met_by_strictness_alone(
    validating: MysqlDatabase, kind: type[Rotator]
) -> None:
    """Without knowing the policy, the value after one refusal has 64 characters, eight of each kind and more."""
    account = validating.new_account()
    validating.execute(
        "SET GLOBAL validate_password.policy = MEDIUM, GLOBAL validate_password.length = 64, "
        "GLOBAL validate_password.number_count = 8, GLOBAL validate_password.special_char_count = 8, "
        "GLOBAL validate_password.mixed_case_count = 8"
    )
    values = with_pending(kind, current(validating, account))
    overlap = Overlap.DUAL if kind is SingleUser else Overlap.ALTERNATING
    fields = by_admin(validating) | {"overlap": overlap}
    with attempt(kind) as rotator, pytest.raises(PasswordRefused, match="policy"):
        rotator.set_secret(rotation_of(values, **fields))
    assert not validating.can_log_in(account_of(values, Candidate.PENDING))
    with attempt(kind) as rotator:
        stricter = rotator.create_secret(rotation_of(current(validating, account), strictness=1))
        values = {**values, Candidate.PENDING: stricter}
        rotator.set_secret(rotation_of(values, strictness=1, **fields))
    assert validating.can_log_in(account_of(values, Candidate.PENDING))


def test_an_account_that_has_the_value_keeps_it(validating: MysqlDatabase) -> None:
    """Where one of two accounts has the pending password already, its refusal for the other makes no new one."""
    first = validating.new_account()
    validating.new_account(name=first.name, host="127.0.0.1")
    values = with_pending(SingleUser, current(validating, first))
    pending = account_of(values, Candidate.PENDING)
    validating.execute(f"ALTER USER {first.spec} IDENTIFIED BY {literal(pending.password)}")
    validating.execute("SET GLOBAL validate_password.length = 100")
    fields = by_admin(validating) | {"overlap": Overlap.DUAL}
    settings = {"accounts": f"{first.name}@%,{first.name}@127.0.0.1"}
    with attempt(SingleUser) as rotator, pytest.raises(TargetRefused) as raised:
        rotator.set_secret(rotation_of(values, kind=SingleUser, settings=settings, **fields))
    assert not isinstance(raised.value, PasswordRefused)
