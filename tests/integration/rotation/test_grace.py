"""The grace period and its end, on real servers and on both stores."""

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Phase, Status
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase


def adopted(
    house: House, server: MysqlDatabase, *, options: RotationOptions | None = None
) -> tuple[str, Account]:
    """A user with an admin secret: its rotations overlap."""
    account = server.new_account()
    name = house.adopt(
        server,
        account,
        rotator=f"{server.engine}-single-user",
        admin=server.superuser,
        options=options,
    )
    return name, account


def account_in(house: House, name: str, stage: str = "AWSCURRENT") -> Account:
    fields = house.fields(name, stage)
    return Account(name=fields["username"], password=fields["password"])


def test_the_old_password_is_retired_after_the_grace_period(
    house: House, either: MysqlDatabase
) -> None:
    """Both passwords log in until `retire`, which leaves the new one alone and says so in the history."""
    name, account = adopted(house, either)

    report = house.rotate(name)

    assert report.status is Status.GRACE, report.failure
    assert report.retire_at is not None
    assert either.can_log_in(account)
    assert either.can_log_in(account_in(house, name))

    retired = house.engine().retire(name, **ME)

    assert retired is not None
    assert (retired.status, retired.failure) == (Status.SUCCEEDED, None)
    assert retired.rotation_id == report.rotation_id
    assert not either.can_log_in(account)
    assert either.can_log_in(account_in(house, name))
    (row,) = house.history(name)
    assert (row.status, row.retired, row.owner) == ("succeeded", True, None)
    assert Phase.RETIRE in {step.phase for step in retired.steps}
    assert house.engine().retire(name, **ME) is None
