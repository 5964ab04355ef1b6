"""What a run finds that is not as it should be: other rotators, other callers, clocks, values that don't open."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg import sql
from sqlalchemy import select, update

from rotator.errors import (
    AccessDenied,
    ConfigurationError,
    DecryptionFailure,
    InvalidRequest,
    RotationInProgress,
)
from rotator.manager.next_due import Planner
from rotator.model.rotation import Phase, Status
from rotator.rotation.admission import Admission
from rotator.rotation.claim import Purpose
from rotator.rotation.journal import Journal
from rotator.rotation.lease import LeaseKeeper
from rotator.rotation.own_runs import going
from rotator.rotation.owner import Owner
from rotator.rotation.patience import AdminSecretBusy
from rotator.rotation.report import Progress, ProgressKind
from rotator.schedule.calendars import Calendar
from rotator.sdk import SecretValue
from rotator.store import rotations, tables, versions
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.manager import ALICE, ME, STRANGER, row_id, token
from tests.support.postgres import DatabaseServer
from tests.support.waiting import eventually

GONE = replace(Owner.me(), pid=2**22 + 1, started="1")


class Killed(BaseException):
    """The process ends here."""


def killed_before_the_change(house: House, name: str) -> None:
    """A rotation whose owner is gone, with the journal open and the target untouched."""

    def killed(_: float) -> None:
        raise Killed

    waiting = house.with_policy(drain=0.1)
    with pytest.raises(Killed):
        waiting.rotate(name, engine=waiting.engine(owner=GONE, sleep=killed))


def set_password(server: DatabaseServer, name: str, password: str) -> None:
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    server.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def admission(house: House) -> Admission:
    journal = Journal(house.store, house.policy, Owner.me())
    return Admission(journal, lambda: uuid.uuid4().hex, lambda: str(uuid.uuid4()))


def claimed(admission: Admission, name: str, *, owner: Owner | None = None):  # type: ignore[no-untyped-def]
    found = admission.claim(
        name,
        caller=ALICE,
        request_id="r",
        purpose=Purpose.ROTATE,
        owner=owner or admission.new_owner(),
        ready=lambda _: None,
    )
    assert found is not None
    return found


def test_a_rotation_ends_with_the_rotator_that_began_it(house: House, pg16: DatabaseServer) -> None:
    """A change of the rotator in the middle of a rotation lets the old one finish; no credential is lost."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    killed_before_the_change(house, name)
    admin = house.manager.create_secret(
        **ME, name="admin", value=SecretValue.from_json(pg16.secret_value(pg16.superuser))
    )
    claims = house.engine().claims(ALTERNATING, SecretValue.from_json(house.fields(name)))
    house.manager.set_rotation(
        **ME, secret_id=name, rotator=ALTERNATING, authority=replace(claims, admin=admin.arn)
    )

    report = house.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert house.role(name).name == role.name
    assert pg16.can_log_in(house.role(name))
    assert house.rotate(name).status is Status.SUCCEEDED
    assert house.role(name).name == f"{role.name}_clone"
    assert [row.rotator for row in house.history(name)] == [ALTERNATING, SINGLE]


def test_another_thread_of_the_process_is_another_owner(house: House, pg16: DatabaseServer) -> None:
    """A parked rotation that another run of the same process took up is not taken from it on waking."""
    name = house.adopt(pg16, pg16.new_role())
    desk = admission(house)
    first = claimed(desk, name)
    desk.journal.park(first, replace(first.state, delay=1.0), steps=())
    second = claimed(desk, name)

    assert desk.reclaim(first) is None
    assert second.fencing > first.fencing


def test_a_parked_rotation_is_nobodys_until_it_is_claimed_again(
    house: House, pg16: DatabaseServer
) -> None:
    """Giving the lease back ends its renewals, so that anybody takes the rotation up at once."""
    name = house.adopt(pg16, pg16.new_role())
    desk = admission(house)
    claim = claimed(desk, name)
    with LeaseKeeper(desk.journal).hold(claim) as lease:
        parked = replace(claim.state, delay=60.0)
        lease.give_back(lambda: desk.journal.park(claim, parked, steps=()))

        lease.ensure(10**6)

        (row,) = house.history(name)
        assert (row.owner, row.status) == (None, Status.WAITING)
        assert claimed(desk, name).rotation_id == claim.rotation_id


def test_an_admin_secret_that_was_named_meanwhile_waits_like_one_that_was_there_before(
    house: House, pg16: DatabaseServer
) -> None:
    """A rotation that is taken up uses the admin secret of now, so that one isn't rotated beside it."""
    name, admin = (house.adopt(pg16, pg16.new_role()) for _ in range(2))
    desk = admission(house)
    claim = claimed(desk, name)
    desk.journal.park(claim, replace(claim.state, delay=60.0), steps=())
    arn = house.manager.describe_secret(**ME, secret_id=admin).arn
    authority = house.engine().claims(SINGLE, SecretValue.from_json(house.fields(name)))
    house.manager.set_rotation(
        **ME, secret_id=name, rotator=SINGLE, authority=replace(authority, admin=arn)
    )
    claimed(desk, name)
    with pytest.raises(AdminSecretBusy):
        claimed(desk, admin)


def test_leases_are_renewed_again_after_the_system_had_no_thread(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that begins then sees to its lease step by step, and those after it have theirs renewed beside."""
    desk = admission(house.with_policy(lease=1.0))
    claim = claimed(desk, house.adopt(pg16, pg16.new_role()))
    keeper = LeaseKeeper(desk.journal)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", no_thread)
        with keeper.hold(claim) as lease:
            lease.ensure(10**6)
    with keeper.hold(claim) as lease:
        before = lease.until
        assert eventually(lambda: lease.until > before)


@contextmanager
def damaged(house: House, name: str, version_id: str) -> Iterator[None]:
    """The sealed value of a version does not open while the block lasts."""
    column = tables.versions.c.ciphertext
    with house.store.write() as tx:
        this = (tables.versions.c.secret_id == row_id(tx, name)) & (
            tables.versions.c.version_id == version_id
        )
        good = tx.connection.execute(select(column).where(this)).scalar_one()
        tx.connection.execute(update(tables.versions).where(this).values(ciphertext=good[::-1]))
    yield
    with house.store.write() as tx:
        tx.connection.execute(update(tables.versions).where(this).values(ciphertext=good))


def test_a_previous_value_that_does_not_open_is_no_obstacle(
    house: House, pg16: DatabaseServer
) -> None:
    """Only the values that a rotation needs have to open."""
    name = house.adopt(pg16, pg16.new_role())
    house.rotate(name)

    with damaged(house, name, house.labels(name)["AWSPREVIOUS"]):
        report = house.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure


def test_a_current_value_that_does_not_open_ends_the_rotation_with_the_reason(
    house: House, pg16: DatabaseServer
) -> None:
    """The rotation is not left running: it failed, says why, and works as soon as the value opens again."""
    name = house.adopt(pg16, pg16.new_role())

    with (
        damaged(house, name, house.labels(name)["AWSCURRENT"]),
        pytest.raises(DecryptionFailure, match=name),
    ):
        house.rotate(name)

    (row,) = house.history(name)
    assert (row.status, row.owner) == (Status.FAILED, None)
    assert row.failure is not None
    assert name in row.failure["message"]
    assert house.rotate(name).status is Status.SUCCEEDED


def test_what_can_t_go_on_ends_when_its_time_is_over(house: House, pg16: DatabaseServer) -> None:
    """A rotation that a daemon takes up again and again, and whose value does not open, ends unverified after its
    deadline; once that is mended the next one goes on with its token.
    """
    name = house.adopt(pg16, pg16.new_role())
    killed_before_the_change(house, name)
    (begun,) = house.history(name)

    with damaged(house, name, house.labels(name)["AWSCURRENT"]):
        with pytest.raises(DecryptionFailure, match=name):
            house.engine().run_due(name, **ME)
        assert house.history(name)[0].status == Status.WAITING
        with house.store.write() as tx:
            tx.connection.execute(update(tables.rotations).values(deadline_at=tx.now))
        with pytest.raises(DecryptionFailure, match=name):
            house.engine().run_due(name, **ME)

    (row,) = house.history(name)
    assert (row.status, row.owner) == (Status.UNVERIFIED, None)
    assert house.labels(name)["AWSPENDING"] == begun.token
    assert house.engine().run_due(name, **ME) is None
    report = house.rotate(name)
    assert (report.status, report.token) == (Status.SUCCEEDED, begun.token)
    assert pg16.can_log_in(house.role(name))


def test_a_clock_that_jumped_back_hides_no_unfinished_rotation(
    house: House, pg16: DatabaseServer
) -> None:
    """Rotations are in the order of their fencing numbers, whatever the clock said when they began."""
    name = house.adopt(pg16, pg16.new_role())
    house.rotate(name)
    with house.store.write() as tx:
        later = tx.now + timedelta(days=1)
        tx.connection.execute(update(tables.rotations).values(created_at=later))
    killed_before_the_change(house, name)

    report = house.engine().resume(name, **ME)

    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure


def test_a_pending_value_of_another_user_blocks_only_once(
    house: House, pg16: DatabaseServer
) -> None:
    """An AWSPENDING that disagrees with what was pinned is refused and cleared; the other user is never touched."""
    role, other = pg16.new_role(), pg16.new_role()
    name = house.adopt(pg16, role)
    stray = SecretValue.from_json(pg16.secret_value(other))
    house.manager.put_secret_value(
        **ME,
        secret_id=name,
        value=stray,
        version_stages=["AWSPENDING"],
        client_request_token=token(7),
    )

    refused = house.rotate(name)

    assert refused.status is Status.FAILED
    assert refused.failure is not None
    assert other.name in refused.failure.message
    assert "AWSPENDING" not in house.labels(name)
    assert pg16.can_log_in(role)
    assert pg16.can_log_in(other)
    assert house.rotate(name).status is Status.SUCCEEDED


def test_a_foreign_value_under_the_token_is_never_overwritten(
    house: House, pg16: DatabaseServer
) -> None:
    """A value that somebody stores under the rotation's token before the change ends it, and stays as it is."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    foreign = SecretValue.from_json({**pg16.secret_value(role), "password": "somebody else's"})

    def meddle(progress: Progress) -> None:
        if progress.phase is Phase.CREATE and progress.kind is ProgressKind.STARTED:
            (row,) = house.history(name)
            house.manager.put_secret_value(
                **ME,
                secret_id=name,
                value=foreign,
                version_stages=["AWSPENDING"],
                client_request_token=row.token,
            )

    with pytest.raises(InvalidRequest, match="Somebody else stored a value"):
        house.rotate(name, observer=meddle)

    (row,) = house.history(name)
    assert (row.status, row.owner) == (Status.FAILED, None)
    assert pg16.can_log_in(role)
    assert house.rotate(name).status is Status.SUCCEEDED


def test_an_admin_secret_that_is_gone_is_named(house: House, pg16: DatabaseServer) -> None:
    """Where the admin secret can't be had, the message says which it is and how to go on."""
    name = house.adopt(pg16, pg16.new_role(), admin=pg16.superuser)
    with house.store.write() as tx:
        found = rotations.latest(tx, row_id(tx, name))
        assert found is None
        admins = tables.secrets.c.name.like("admin-%")
        tx.connection.execute(tables.secrets.delete().where(admins))

    with pytest.raises(InvalidRequest, match=r"admin secret arn:.* is gone.*--admin"):
        house.rotate(name)


def test_a_stranger_rotates_nothing(house: House, pg16: DatabaseServer) -> None:
    """The engine lets a caller act in its own account only, and leaves a record of the refusal."""
    name = house.adopt(pg16, pg16.new_role())
    arn = house.manager.describe_secret(**ME, secret_id=name).arn
    engine = house.engine()

    for act in (engine.rotate, engine.resume, engine.abort, engine.plan, engine.verify):
        with pytest.raises(AccessDenied):
            act(arn, caller=STRANGER, request_id="request-9")

    assert [row.outcome for row in _audit(house, "request-9")] == ["denied"] * 5
    assert house.history(name) == ()


def test_who_resumes_aborts_or_reads_is_recorded(house: House, pg16: DatabaseServer) -> None:
    """Taking up a rotation and reading values for plan and verify leave records of the caller."""
    name = house.adopt(pg16, pg16.new_role())
    killed_before_the_change(house, name)

    house.engine().abort(name, caller=ALICE, request_id="abort-1")
    house.engine().verify(name, caller=ALICE, request_id="verify-1")
    house.engine().plan(name, caller=ALICE, request_id="plan-1")

    assert [(row.event, row.principal) for row in _audit(house, "abort-1")] == [
        ("RotateSecret", "local:alice")
    ]
    for request in ("verify-1", "plan-1"):
        assert [row.event for row in _audit(house, request)] == ["GetSecretValue"]


def _audit(house: House, request_id: str):  # type: ignore[no-untyped-def]
    with house.store.read() as tx:
        statement = select(tables.audit).where(tables.audit.c.request_id == request_id)
        return tx.connection.execute(
            statement.order_by(tables.audit.c.at, tables.audit.c.seq)
        ).all()


def test_every_pinned_value_gets_its_turn(house: House, pg16: DatabaseServer) -> None:
    """Of several values that may live a refused one is settled, so that the next run probes the one before it."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    for number in (1, 2):
        old = SecretValue.from_json({**pg16.secret_value(role), "password": f"pinned-{number}"})
        house.manager.put_secret_value(
            **ME,
            secret_id=name,
            value=old,
            version_stages=["old"],
            client_request_token=token(number),
        )
    with house.store.write() as tx:
        for number in (1, 2):
            versions.set_pinned(
                tx, secret_id=row_id(tx, name), version_id=token(number), pinned=True
            )
    set_password(pg16, role.name, "pinned-1")

    assert house.rotate(name).status is Status.DIVERGED
    assert house.rotate(name).status is Status.SUCCEEDED
    assert pg16.can_log_in(house.role(name))


def test_resume_takes_up_a_pending_version(house: House, pg16: DatabaseServer) -> None:
    """Where AWSPENDING was left, `resume` goes on with its token; where it was not, there is nothing to resume."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    assert house.engine().resume(name, **ME) is None
    pending = SecretValue.from_json({**pg16.secret_value(role), "password": "left behind"})
    house.manager.put_secret_value(
        **ME,
        secret_id=name,
        value=pending,
        version_stages=["AWSPENDING"],
        client_request_token=token(3),
    )

    report = house.engine().resume(name, **ME)

    assert report is not None
    assert (report.status, report.token) == (Status.SUCCEEDED, token(3))
    assert pg16.can_log_in(house.role(name))


def test_a_live_owner_is_not_disturbed(house: House, pg16: DatabaseServer) -> None:
    """While a lease lasts another run is told who holds it."""
    name = house.adopt(pg16, pg16.new_role())
    desk = admission(house)
    owner = desk.new_owner()
    with going(owner):
        claimed(desk, name, owner=owner)
        with pytest.raises(RotationInProgress, match=f"process {Owner.me().pid} "):
            house.rotate(name)


def test_nothing_begins_where_its_end_could_not_be_stored(
    house: House, pg16: DatabaseServer
) -> None:
    """A calendar that can't be read is found out before the target is changed."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    house.make_due(name)

    def unreadable() -> tuple[Calendar, ...]:
        raise ConfigurationError("calendars.nights.icalendar: it is none.")

    planner = Planner(calendars_digest="x", load_calendars=unreadable)
    with pytest.raises(ConfigurationError, match="nights"):
        house.rotate(name, engine=house.engine(planner=planner))
    assert house.history(name) == ()
    assert pg16.can_log_in(role)
