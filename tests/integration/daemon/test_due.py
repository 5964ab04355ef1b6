"""What is due, as the daemon finds it in the store and as the engine does it; on both stores, with a real server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from psycopg import sql

from rotator.daemon import agenda
from rotator.errors import RotationInProgress
from rotator.manager.next_due import Planner
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.rotation.owner import Owner
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.report import Report
from rotator.schedule.calendars import make_calendar
from rotator.store import rotations, secrets
from rotator.store.rotation_row import RotationRow
from rotator.store.store import Store
from tests.integration.store.plans import assert_sent_indexed, has_plan, recording
from tests.support.house import ALTERNATING, House
from tests.support.manager import ACCOUNT, ALICE, ME, REGION
from tests.support.postgres import DatabaseServer

_MINUTE = timedelta(minutes=1)
_NOBODY_LISTENS = 1  # a port


def _names(house: House) -> list[str]:
    return [task.name for task in _look(house.store).tasks]


def _look(store: Store) -> agenda.Agenda:
    return agenda.read(store, caller=ALICE, me=Owner.me())


def _rotation(house: House, name: str) -> RotationRow:
    return house.history(name)[0]


def _attempt_now(house: House, name: str) -> None:
    """Makes the next attempt of its rotation due."""
    with house.store.write() as tx:
        row = rotations.get(tx, _rotation(house, name).id)
        assert row is not None
        due = {"next_attempt_at": tx.now - _MINUTE}
        rotations.update_fenced(tx, row.id, fencing=row.fencing, columns=due)


def test_what_is_due_is_found_through_indexes(house: House) -> None:
    """No look at what is due reads a whole table."""
    with recording() as sent:
        found = _look(house.store)
    assert (found.tasks, found.next_in) == ((), None)
    planned = [one for one in sent if has_plan(one) and " FROM " in one.sql.replace("\n", " ")]
    assert len(planned) >= 5
    for one in planned:
        assert_sent_indexed(house.store, one)


def test_only_what_is_due_is_found(house: House, pg16: DatabaseServer) -> None:
    """A moment that is to come, a window that has closed, and a secret without rotation are left out."""
    due, later, closed, off = (house.adopt(pg16, pg16.new_role()) for _ in range(4))
    house.make_due(due)
    with house.store.read() as tx:
        now = tx.now
    house.make_due(later, due_at=now + 5 * _MINUTE)
    house.make_due(closed, window_end=now - _MINUTE)
    house.make_due(off, rotation_enabled=False)
    found = _look(house.store)
    assert [task.name for task in found.tasks] == [due]
    assert [task.target for task in found.tasks] == [f"{pg16.host}:{pg16.port}"]
    assert found.next_in is not None
    assert 0 < found.next_in <= 300

    for name in (later, closed, off):
        assert house.engine(parks=True).run_due(name, **ME) is None
    assert house.history(closed) == ()


def test_of_several_daemons_one_rotates(house: House, pg16: DatabaseServer) -> None:
    """Four engines that have all seen a secret due rotate it once."""
    name = house.adopt(pg16, pg16.new_role())
    house.make_due(name)

    def run(_: int) -> Report | None:
        try:
            return house.engine(parks=True).run_due(name, **ME)
        except RotationInProgress:
            return None

    with ThreadPoolExecutor(4) as pool:
        reports = [report for report in pool.map(run, range(4)) if report is not None]
    assert [report.status for report in reports] == [Status.SUCCEEDED]
    assert len(house.history(name)) == 1
    assert _names(house) == []


def test_a_parked_rotation_keeps_its_count_of_attempts(house: House, pg16: DatabaseServer) -> None:
    """Each run makes one attempt and leaves; the last one that the settings allow ends the rotation as failed."""
    name = house.adopt(pg16, pg16.new_role(), port=_NOBODY_LISTENS)
    house.make_due(name)
    slow = house.with_policy(retry=RetryPolicy(attempts=3, base=600.0, cap=3600.0, jitter=0.0))
    engine = slow.engine(parks=True)
    statuses = []
    for attempt in (1, 2, 3):
        report = engine.run_due(name, **ME)
        assert report is not None
        statuses.append(report.status)
        assert _names(house) == []
        if report.status is Status.WAITING:
            row = _rotation(house, name)
            assert (row.status, row.attempt, row.owner) == ("waiting", attempt + 1, None)
            assert engine.run_due(name, **ME) is None
            _attempt_now(house, name)
            assert _names(house) == [name]
    assert statuses == [Status.WAITING, Status.WAITING, Status.FAILED]
    assert len(house.history(name)) == 1


def test_a_retirement_that_fails_is_bounded_too(house: House, pg16: DatabaseServer) -> None:
    """Its attempts begin at one when the grace period is over, and go on being counted from run to run."""
    options = RotationOptions(grace=0.01)
    name = house.adopt(
        pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser, options=options
    )
    house.make_due(name)
    engine = house.with_policy(
        retry=RetryPolicy(attempts=2, base=600.0, cap=3600.0, jitter=0.0)
    ).engine(parks=True)
    report = engine.run_due(name, **ME)
    assert report is not None
    assert report.status is Status.GRACE, report.failure
    user = house.fields(name)["username"]
    rename = sql.SQL("ALTER ROLE {} RENAME TO {}")
    pg16.execute(rename.format(sql.Identifier(user), sql.Identifier(f"{user}_gone")))

    statuses: list[Status] = []
    while (row := _rotation(house, name)).status == "grace":
        assert len(statuses) < 5
        assert row.owner is None
        _attempt_now(house, name)
        assert _names(house) == [name]
        report = engine.run_due(name, **ME)
        assert report is not None
        statuses.append(report.status)
    assert statuses[-1] is Status.UNRETIRED
    assert len(statuses) <= 2


def test_a_blackout_that_began_meanwhile_moves_the_moment(
    house: House, pg16: DatabaseServer
) -> None:
    """A secret that is due, but can't start before a blackout begins, is given a moment after it."""
    name = house.adopt(pg16, pg16.new_role())
    house.make_due(name)
    with house.store.read() as tx:
        now = tx.now
    days = f"{now - timedelta(days=1):%Y-%m-%d} - {now + timedelta(days=2):%Y-%m-%d}"
    calendar = make_calendar("freeze", dates=[days])
    planner = Planner(calendars_digest="x", load_calendars=lambda: (calendar,))
    assert house.engine(parks=True, planner=planner).run_due(name, **ME) is None
    assert house.history(name) == ()
    with house.store.read() as tx:
        secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
    assert secret.due_at is None or secret.due_at > now + timedelta(days=1)
