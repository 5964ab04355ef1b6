"""Two PostgreSQL users that take turns: the old one's password is disabled where a grace period says so."""

from typing import NoReturn

import psycopg
import pytest
from psycopg import sql

from rotator.cli.reports import report_lines
from rotator.errors import RotationInProgress
from rotator.manager.auditing import Auditing
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import InUse, Status
from rotator.rotation.records import rotations_of
from rotator.sdk import Rotation, TargetRefused
from rotator.store import changes
from rotator.store.audit_search import AuditFilter
from rotators.postgresql import AlternatingUsers
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.manager import ME
from tests.support.mysql import MysqlDatabase
from tests.support.postgres import DatabaseServer, Role

HOUR = 3600.0


def adopted(
    house: House, pg: DatabaseServer, *, grace: float | None, in_use: InUse | None = None
) -> tuple[str, Role]:
    role = pg.new_role()
    options = RotationOptions(grace=grace, in_use=in_use)
    admin = pg.superuser
    return house.adopt(pg, role, rotator=ALTERNATING, admin=admin, options=options), role


def has_ended(session: "psycopg.Connection[tuple[object, ...]]") -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_without_a_grace_period_the_old_user_stays(house: House, pg16: DatabaseServer) -> None:
    """It is valid until the next rotation, unless `retire` ends that, once."""
    name, role = adopted(house, pg16, grace=None)
    assert house.rotate(name).status is Status.SUCCEEDED
    assert pg16.can_log_in(role)

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not pg16.can_log_in(role)
    begun = AuditFilter(secret=name, event=changes.BEGUN)
    records = Auditing(house.store).show(**ME, where=begun).records
    assert {each.detail["rotation"] for each in records if each.detail} == {report.rotation_id}
    assert len(records) == 2  # as it began, and as it was opened again
    assert house.engine().retire(name, **ME) is None


def test_a_grace_period_holds_up_nobody_once_the_old_value_is_current_again(
    house: House, pg16: DatabaseServer
) -> None:
    """What was moved back has nothing to be retired, so the next rotation begins at once, from what is AWSCURRENT."""
    name, role = adopted(house, pg16, grace=HOUR)
    assert house.rotate(name).status is Status.GRACE
    with pytest.raises(RotationInProgress):
        house.rotate(name)
    at = house.labels(name)
    house.manager.update_secret_version_stage(
        **ME,
        secret_id=name,
        version_stage="AWSCURRENT",
        move_to_version_id=at["AWSPREVIOUS"],
        remove_from_version_id=at["AWSCURRENT"],
    )
    assert house.rotate(name).status is Status.GRACE
    ended = [row.status for row in house.history(name)]
    assert ended == [Status.GRACE, Status.ABANDONED]
    assert pg16.can_log_in(house.role(name))
    assert pg16.can_log_in(role)


def test_where_the_old_password_died_nothing_is_retired(house: House, pg16: DatabaseServer) -> None:
    """A role of its own has one password: `retire` finds nothing to do after a rotation, and opens none again."""
    name = house.adopt(pg16, pg16.new_role(), rotator=SINGLE)
    assert house.rotate(name).status is Status.SUCCEEDED
    assert house.engine().retire(name, **ME) is None


def test_a_rotation_that_failed_since_leaves_the_old_user_to_be_retired(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `retire` looks at is the last rotation that moved AWSCURRENT."""
    name, role = adopted(house, pg16, grace=None)
    assert house.rotate(name).status is Status.SUCCEEDED
    with monkeypatch.context() as failing:
        failing.setattr(AlternatingUsers, "set_secret", _refused)
        assert house.rotate(name).status is Status.FAILED
    assert pg16.can_log_in(role)

    report = house.engine().retire(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert not pg16.can_log_in(role)


def _refused(_self: AlternatingUsers, _rotation: Rotation) -> NoReturn:
    raise TargetRefused("it says no")


def test_the_old_user_logs_in_no_more_and_takes_its_turn_again(
    house: House, pg: DatabaseServer
) -> None:
    """After the grace period its password is disabled; the next rotation gives it another, and the clone's is next."""
    name, role = adopted(house, pg, grace=HOUR)
    for _ in range(3):
        old = house.role(name)
        report = house.rotate(name)
        assert report.status is Status.GRACE, report.failure
        assert pg.can_log_in(old)
        retired = house.engine().retire(name, **ME)
        assert retired is not None
        assert retired.status is Status.SUCCEEDED, retired.failure
        assert not pg.can_log_in(old)
        assert pg.can_log_in(house.role(name))
    assert house.role(name).name == f"{role.name}_clone"


def test_a_retired_password_is_not_given_back(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation that is taken back leaves the other user without a password, not with the one that was retired."""
    name, role = adopted(house, pg16, grace=0.0)
    assert house.rotate(name).status is Status.SUCCEEDED

    def refusing(rotator: object, rotation: Rotation) -> None:
        del rotator, rotation
        raise TargetRefused("the application does not like it")

    with monkeypatch.context() as patch:
        patch.setattr(AlternatingUsers, "test_secret", refusing)
        report = house.rotate(name)

    assert report.status is Status.FAILED
    assert not pg16.can_log_in(role)
    assert pg16.can_log_in(house.role(name))
    assert house.rotate(name).status is Status.SUCCEEDED


def test_who_still_uses_it_is_told(house: House, pg16: DatabaseServer) -> None:
    """By default the old user is retired all the same: its session goes on, and report and history name it."""
    name, role = adopted(house, pg16, grace=HOUR, in_use=InUse.WARN)
    house.rotate(name)
    with pg16.connect(role, application_name="nightly-job") as session:
        report = house.engine().retire(name, **ME)
        assert report is not None
        assert report.status is Status.SUCCEEDED, report.failure
        (use,) = report.in_use
        assert use.user == role.name
        assert "nightly-job" in use.detail
        assert not has_ended(session)
    found = rotations_of(house.store, name, **ME, limit=1)
    assert "nightly-job" in (found.rotations[0].in_use or "")


def test_who_still_uses_it_is_ended(house: House, pg16: DatabaseServer) -> None:
    """With `terminate` the sessions are ended after the password is disabled; those of others go on."""
    name, role = adopted(house, pg16, grace=HOUR, in_use=InUse.TERMINATE)
    house.rotate(name)
    with pg16.connect(role) as session, pg16.connect(house.role(name)) as other:
        report = house.engine().retire(name, **ME)
        assert report is not None
        assert report.status is Status.SUCCEEDED, report.failure
        assert has_ended(session)
        assert not has_ended(other)
    assert not pg16.can_log_in(role)


def test_who_still_uses_it_is_waited_for(house: House, pg16: DatabaseServer) -> None:
    """With `wait` the old user stays for as long as it is used, and `retire` goes on without waiting."""
    name, role = adopted(house, pg16, grace=HOUR, in_use=InUse.WAIT)
    house.rotate(name)
    assert rotations_of(house.store, name, **ME, limit=1).rotations[0].waits_until is None
    house.end_grace_periods()
    with pg16.connect(role, application_name="nightly-job"):
        (arn,) = house.engine().retirable(caller=ME["caller"])
        report = house.engine().retire(arn, **ME, due_only=True)
        assert report is not None
        assert report.status is Status.GRACE
        assert report.failure is not None
        assert "nightly-job" in report.failure.message
        assert report.retire_at is not None
        assert house.engine().retirable(caller=ME["caller"]) == ()
        (waiting,) = rotations_of(house.store, name, **ME, limit=1).rotations
        assert waiting.waits_until is not None
        assert waiting.next_attempt_at == report.retire_at
        assert pg16.can_log_in(role)
        ended = house.engine().retire(name, **ME)
        assert ended is not None
        assert ended.status is Status.SUCCEEDED
    assert not pg16.can_log_in(role)


def test_the_wait_for_users_ends(house: House, pg16: DatabaseServer) -> None:
    """When another grace period is over the old user is retired although it is used."""
    name, role = adopted(house, pg16, grace=HOUR, in_use=InUse.WAIT)
    house.rotate(name)
    house.end_grace_periods(waits_too=True)
    with pg16.connect(role):
        report = house.engine().retire(name, **ME, due_only=True)
    assert report is not None
    assert report.status is Status.SUCCEEDED
    assert not pg16.can_log_in(role)


def test_a_rotation_is_not_begun_while_it_waits(house: House, pg16: DatabaseServer) -> None:
    """`rotate now` says who is waited for, and `--end-grace` goes on without them."""
    name, role = adopted(house, pg16, grace=HOUR, in_use=InUse.WAIT)
    house.rotate(name)
    house.end_grace_periods()
    with pg16.connect(role, application_name="nightly-job"):
        with pytest.raises(RotationInProgress, match="nightly-job"):
            house.rotate(name)
        assert pg16.can_log_in(role)
        report = house.engine().rotate(name, **ME, end_grace=True)
        assert report.status is Status.GRACE, report.failure
    assert house.role(name).name == role.name
    assert not pg16.can_log_in(role)


def test_a_compromised_user_is_shut_out_at_once(house: House, pg16: DatabaseServer) -> None:
    """Also where no grace period is set its password is disabled and its sessions end."""
    name, role = adopted(house, pg16, grace=None)
    with pg16.connect(role) as session:
        report = house.engine().rotate(name, **ME, compromised=True)
        assert report.status is Status.SUCCEEDED, report.failure
        assert has_ended(session)
    assert not pg16.can_log_in(role)
    assert pg16.can_log_in(house.role(name))


@pytest.mark.parametrize("by_itself", [True, False])
def test_sessions_of_a_compromised_user_of_its_own_end(
    house: House, pg16: DatabaseServer, *, by_itself: bool
) -> None:
    """With a gap the password is dead already; the role's sessions end, also where it changed its password itself."""
    role = pg16.new_role()
    admin = None if by_itself else pg16.superuser
    name = house.adopt(pg16, role, rotator=SINGLE, admin=admin)
    with pg16.connect(role, application_name="thief") as session:
        report = house.engine().rotate(name, **ME, compromised=True)
        assert report.status is Status.SUCCEEDED, report.failure
        assert report.failure is None
        assert ["thief" in use.detail for use in report.in_use] == [True]
        assert has_ended(session)
    assert not pg16.can_log_in(role)
    assert pg16.can_log_in(house.role(name))


def test_sessions_that_may_live_are_warned_of(house: House, mysql: MysqlDatabase) -> None:
    """Where nothing tells the compromised password's sessions, report and history say so, with what to do."""
    name = house.adopt(
        mysql, mysql.new_account(), rotator="mysql-single-user", admin=mysql.superuser
    )
    report = house.engine().rotate(name, **ME, compromised=True)
    assert report.status is Status.SUCCEEDED
    assert report.failure is not None
    assert "sessions that it opened may go on" in report.failure.message
    assert "Warning: " in "\n".join(report_lines(report))
    found = rotations_of(house.store, name, **ME, limit=1)
    assert found.rotations[0].failure == report.failure


def test_sessions_that_the_admin_may_not_end_are_named(house: House, pg16: DatabaseServer) -> None:
    """The password is disabled, the session goes on, and the reason says which right the admin lacks."""
    role, admin = pg16.new_role(), pg16.new_role("admin", attributes="LOGIN CREATEROLE")
    grant = sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    pg16.execute(grant.format(sql.Identifier(role.name), sql.Identifier(admin.name)))
    name = house.adopt(pg16, role, rotator=ALTERNATING, admin=admin)
    with pg16.connect(role):
        report = house.engine().rotate(name, **ME, compromised=True)
        assert report.status is Status.UNRETIRED
        assert report.failure is not None
        assert "pg_signal_backend" in (report.failure.hint or "")
    assert not pg16.can_log_in(role)


def test_a_retirement_whose_admin_secret_was_deleted_ends_visibly(
    house: House, pg16: DatabaseServer
) -> None:
    """What is due by itself is not refused for ever: it ends unretired with the reason, and `retire` does it later."""
    name, role = adopted(house, pg16, grace=HOUR)
    assert house.rotate(name).status is Status.GRACE
    admin = house.fields(name)["masterarn"]
    house.mark_deleted(admin, deleted=True)
    house.end_grace_periods()

    report = house.engine().run_due(name, **ME)

    assert report is not None
    assert report.status is Status.UNRETIRED
    assert report.failure is not None
    assert "is marked for deletion" in report.failure.message
    assert house.engine().run_due(name, **ME) is None
    assert pg16.can_log_in(role)
    house.mark_deleted(admin, deleted=False)
    retired = house.engine().retire(name, **ME)
    assert retired is not None
    assert retired.status is Status.SUCCEEDED, retired.failure
    assert not pg16.can_log_in(role)
