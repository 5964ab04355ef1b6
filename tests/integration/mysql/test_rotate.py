"""Rotations of MySQL and MariaDB users from end to end, on real servers and on both stores."""

from dataclasses import replace

import pytest

from rotator.model.rotation import Status
from rotator.sdk import Candidate, Overlap, Rotation, TargetRefused
from rotators.mysql_protocol.single_user_steps import SingleUserSteps
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase

SINGLE = {False: "mysql-single-user", True: "mariadb-single-user"}


def account_in(house: House, name: str, stage: str = "AWSCURRENT") -> Account:
    fields = house.fields(name, stage)
    return Account(name=fields["username"], password=fields["password"])


def test_both_passwords_log_in_after_a_rotation(house: House, either: MysqlDatabase) -> None:
    """With an admin the rotation overlaps: AWSCURRENT and AWSPREVIOUS both log in, after each of several, until the
    next one has the older retired first.
    """
    account = either.new_account()
    name = house.adopt(either, account, rotator=SINGLE[either.mariadb], admin=either.superuser)
    for _ in range(2):
        before = account_in(house, name)
        report = house.engine().rotate(name, **ME, end_grace=True)
        assert report.status is Status.GRACE, report.failure
        assert account_in(house, name, "AWSPREVIOUS") == before
        assert either.can_log_in(before)
        assert either.can_log_in(account_in(house, name))
    assert not either.can_log_in(account)
    assert house.history(name)[0].overlap == Overlap.DUAL


def test_a_user_without_privileges_rotates_itself(house: House, either: MysqlDatabase) -> None:
    """Without an admin or privileges the password changes with a gap, and the old one is refused."""
    account = either.new_account()
    name = house.adopt(either, account, rotator=SINGLE[either.mariadb])
    report = house.rotate(name)
    assert report.status is Status.SUCCEEDED, report.failure
    assert either.can_log_in(account_in(house, name))
    assert not either.can_log_in(account)


@pytest.mark.parametrize("admin", [True, False])
def test_a_rotation_that_fails_after_the_change_is_put_back(
    house: House, either: MysqlDatabase, monkeypatch: pytest.MonkeyPatch, admin: bool
) -> None:
    """When the new password fails testSecret the old one is the only one again, and a later run succeeds."""
    account = either.new_account()
    name = house.adopt(
        either,
        account,
        rotator=SINGLE[either.mariadb],
        admin=either.superuser if admin else None,
    )
    tried = []

    def failing(steps: object, rotation: Rotation) -> None:
        del steps
        fields = rotation.value(Candidate.PENDING).fields()
        tried.append(replace(account, password=fields["password"]))
        raise TargetRefused("the application does not like it")

    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "test_secret", failing)
        report = house.rotate(name)
    assert report.status is Status.FAILED
    assert either.can_log_in(account)
    assert not either.can_log_in(tried[0])
    assert house.rotate(name).status is (Status.GRACE if admin else Status.SUCCEEDED)
