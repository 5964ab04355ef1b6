"""The grace period and its end, on real servers and on both stores."""

import pytest

from rotator.errors import RotationInProgress
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Phase, Status
from rotator.rotation.report import Progress, ProgressKind
from rotator.sdk import Rotation, TargetRefused
from rotator.store.audit_rows import differences
from rotators.mysql_protocol.single_user_steps import SingleUserSteps
from tests.support.house import ALTERNATING, House
from tests.support.manager import ME
from tests.support.mysql import Account, MysqlDatabase, literal
from tests.support.postgres import DatabaseServer
from tests.support.waiting import eventually


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
    """Both passwords log in until `retire`, which leaves the new one alone, tells each of its steps, of which none
    failed, and says so in the history.
    """
    told: list[Progress] = []
    name, account = adopted(house, either)

    report = house.rotate(name)

    assert report.status is Status.GRACE, report.failure
    assert report.retire_at is not None
    assert either.can_log_in(account)
    assert either.can_log_in(account_in(house, name))

    retired = house.engine().retire(name, **ME, observer=told.append)

    assert retired is not None
    assert (retired.status, retired.failure) == (Status.SUCCEEDED, None)
    assert [
        (progress.kind, (progress.message or "").partition(" can't tell who")[0])
        for progress in told
        if progress.kind is not ProgressKind.STARTED
    ] == [
        (ProgressKind.DONE, "the new credential is accepted"),
        (ProgressKind.SKIPPED, f"{either.engine}-single-user"),
        (ProgressKind.DONE, "the target was told to refuse the old credential"),
        (ProgressKind.DONE, "the new credential is accepted"),
        (ProgressKind.DONE, "the old credential is refused"),
    ]
    assert retired.rotation_id == report.rotation_id
    assert not either.can_log_in(account)
    assert either.can_log_in(account_in(house, name))
    (row,) = house.history(name)
    assert (row.status, row.retired, row.owner) == ("succeeded", True, None)
    assert Phase.RETIRE in {step.phase for step in retired.steps}
    assert house.engine().retire(name, **ME) is None


def test_no_rotation_within_the_grace_period(house: House, mysql: MysqlDatabase) -> None:
    """A rotation is refused until the grace period ends, and says until when; `resume` and `abort` find nothing."""
    name, _ = adopted(house, mysql)
    report = house.rotate(name)
    assert report.retire_at is not None

    with pytest.raises(
        RotationInProgress, match=f"{report.retire_at:%Y-%m-%d %H:%M:%S} UTC.*--end-grace"
    ):
        house.rotate(name)

    assert house.engine().resume(name, **ME) is None
    assert house.engine().abort(name, **ME) is None
    assert house.engine().retire(name, **ME, due_only=True) is None
    assert house.engine().retirable(caller=ME["caller"]) == ()
    plan = house.engine().plan(name, **ME)
    assert not plan.resumes
    assert any("--end-grace" in step for step in plan.steps)
    assert not house.engine().verify(name, **ME).drift


def test_what_is_due_is_retired_before_the_next_rotation(
    house: House, mysql: MysqlDatabase
) -> None:
    """When the grace period is over a rotation retires first, and `--due` finds it."""
    house = house.with_policy(grace=0.001)
    name, account = adopted(house, mysql)
    first = house.rotate(name)
    assert eventually(lambda: bool(house.engine().retirable(caller=ME["caller"])))

    second = house.rotate(name)

    assert second.status is Status.GRACE, second.failure
    assert second.rotation_id != first.rotation_id
    assert not mysql.can_log_in(account)
    assert mysql.can_log_in(account_in(house, name, "AWSPREVIOUS"))
    assert eventually(lambda: bool(house.engine().retirable(caller=ME["caller"])))
    (arn,) = house.engine().retirable(caller=ME["caller"])
    retired = house.engine().retire(arn, **ME, due_only=True)
    assert retired is not None
    assert retired.status is Status.SUCCEEDED
    assert not mysql.can_log_in(account_in(house, name, "AWSPREVIOUS"))


def test_without_grace_the_old_password_dies_in_the_same_run(
    house: House, either: MysqlDatabase
) -> None:
    """A grace period of 0 retires at once, and one rotation after the other succeeds."""
    name, _ = adopted(house, either, options=RotationOptions(grace=0.0))
    for _ in range(2):
        before = account_in(house, name)
        report = house.rotate(name)
        assert (report.status, report.retire_at) == (Status.SUCCEEDED, None), report.failure
        assert not either.can_log_in(before)
        assert either.can_log_in(account_in(house, name))


@pytest.mark.parametrize(
    ("of_rotator", "own", "status"),
    [
        ({"mysql-single-user": 0.0}, None, Status.SUCCEEDED),
        ({"mysql-single-user": 0.0}, 3600.0, Status.GRACE),
        ({"mysql-single-user": 3600.0}, 0.0, Status.SUCCEEDED),
        ({"mariadb-single-user": 0.0}, None, Status.GRACE),
    ],
    ids=["rotator", "secret-longer", "secret-none", "another-rotator"],
)
def test_the_secret_goes_before_its_rotator_and_that_before_the_general(
    house: House,
    mysql: MysqlDatabase,
    of_rotator: dict[str, float],
    own: float | None,
    status: Status,
) -> None:
    """The grace period is the secret's own, else its rotator's, else the general one, which is an hour here."""
    house = house.with_policy(grace_of=of_rotator)
    name, account = adopted(house, mysql, options=RotationOptions(grace=own))

    report = house.rotate(name)

    assert report.status is status, report.failure
    assert mysql.can_log_in(account) is (status is Status.GRACE)
    told = [step for step in house.engine().plan(name, **ME).steps if step.startswith("retire:")]
    assert [("1h later" in step, "at once" in step) for step in told] == [
        (status is Status.GRACE, status is Status.SUCCEEDED)
    ]


def test_a_rotators_grace_holds_where_two_users_take_turns(
    house: House, pg16: DatabaseServer
) -> None:
    """By default the old user waits for its next turn; what is set for the rotator ends that, as for a secret."""
    name = house.adopt(pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser)
    assert house.rotate(name).status is Status.SUCCEEDED
    house = house.with_policy(grace_of={ALTERNATING: 0.0})
    before = house.role(name)

    assert house.rotate(name).status is Status.SUCCEEDED

    assert not pg16.can_log_in(before)
    assert pg16.can_log_in(house.role(name))


def test_a_compromised_password_gets_no_grace(house: House, mysql: MysqlDatabase) -> None:
    """Within the grace period of one rotation the next one ends it, and gives its own old password none."""
    name, account = adopted(house, mysql)
    house.rotate(name)
    middle = account_in(house, name)

    report = house.engine().rotate(name, **ME, compromised=True)

    assert report.status is Status.SUCCEEDED, report.failure
    for password in (account, middle):
        assert not mysql.can_log_in(password)
    assert mysql.can_log_in(account_in(house, name))
    assert [row.compromised for row in house.history(name)] == [True, True]


# From outside


def test_what_is_current_again_is_not_retired(house: House, either: MysqlDatabase) -> None:
    """After a move of AWSCURRENT back to the old version its password lives on, and the rotation says why."""
    name, account = adopted(house, either)
    house.rotate(name)
    at = house.labels(name)
    house.manager.update_secret_version_stage(
        **ME,
        secret_id=name,
        version_stage="AWSCURRENT",
        move_to_version_id=at["AWSPREVIOUS"],
        remove_from_version_id=at["AWSCURRENT"],
    )

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.ABANDONED
    assert report.failure is not None
    assert "AWSCURRENT" in report.failure.message
    assert either.can_log_in(account)
    assert house.rotate(name).status is Status.GRACE
    assert either.can_log_in(account_in(house, name))


def test_a_move_there_and_back_changes_nothing(house: House, mysql: MysqlDatabase) -> None:
    """Where AWSCURRENT is on the new version again the old one is retired after all."""
    name, account = adopted(house, mysql)
    house.rotate(name)
    for _ in range(2):
        at = house.labels(name)
        house.manager.update_secret_version_stage(
            **ME,
            secret_id=name,
            version_stage="AWSCURRENT",
            move_to_version_id=at["AWSPREVIOUS"],
            remove_from_version_id=at["AWSCURRENT"],
        )

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not mysql.can_log_in(account)


def test_a_value_put_meanwhile_keeps_what_it_may_need(house: House, mysql: MysqlDatabase) -> None:
    """A person who stores the old credential again in the grace period doesn't lose it to the retirement."""
    name, account = adopted(house, mysql)
    old = house.value_at(name, "AWSCURRENT")
    assert old is not None
    house.rotate(name)
    house.manager.put_secret_value(**ME, secret_id=name, value=old)

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.ABANDONED
    assert mysql.can_log_in(account)


@pytest.mark.parametrize("change", ["cancel", "delete", "force-delete"])
def test_the_old_password_dies_whatever_becomes_of_the_secret(
    house: House, mysql: MysqlDatabase, change: str
) -> None:
    """Cancelled or deleted in its grace period, the rotation still retires what it has replaced."""
    name, account = adopted(house, mysql)
    house.rotate(name)
    new = account_in(house, name)
    if change == "cancel":
        house.manager.cancel_rotation(**ME, secret_id=name)
    else:
        forced = change == "force-delete"
        house.manager.delete_secret(**ME, secret_id=name, force_without_recovery=forced)

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not mysql.can_log_in(account)
    assert mysql.can_log_in(new)


# What fails


def test_a_retirement_that_fails_is_seen_and_tried_again(
    house: House, mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends visibly with both passwords logging in; `retire` tries again, and a rotation can go on from it too."""
    name, account = adopted(house, mysql)
    house.rotate(name)

    def refusing(steps: object, rotation: Rotation) -> None:
        del steps, rotation
        raise TargetRefused("not now")

    with monkeypatch.context() as patch:
        patch.setattr(SingleUserSteps, "retire_secret", refusing)
        failed = house.engine().retire(name, **ME)

    assert failed is not None
    assert failed.status is Status.UNRETIRED
    assert failed.failure is not None
    assert "not now" in failed.failure.message
    assert mysql.can_log_in(account)
    assert mysql.can_log_in(account_in(house, name))
    retired = house.engine().retire(name, **ME)
    assert retired is not None
    assert retired.status is Status.SUCCEEDED, retired.failure
    assert not mysql.can_log_in(account)
    assert house.rotate(name).status is Status.GRACE
    assert [found for found in differences(house.store) if found is not None] == []


def test_nothing_is_retired_where_the_new_password_is_refused(
    house: House, mysql: MysqlDatabase
) -> None:
    """When somebody has changed the password by hand the second one, which may be all there is, is left."""
    name, account = adopted(house, mysql)
    house.rotate(name)
    mysql.execute(
        f"ALTER USER {account.spec} IDENTIFIED BY {literal(account.password)}",
        f"ALTER USER {account.spec} IDENTIFIED BY 'By-hand-1' RETAIN CURRENT PASSWORD",
    )

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.UNRETIRED
    assert mysql.can_log_in(account)
