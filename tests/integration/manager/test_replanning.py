"""Due times around blackouts and in time zones, and how they follow what they depend on."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rotator.crypto.envelope import Sealer
from rotator.errors import InvalidParameter
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.next_due import Planner
from rotator.manager.replanning import PLANNED, Replanned
from rotator.manager.rotation_rules import RotationRules
from rotator.manager.settings import RotationSettings
from rotator.model.rules import Missed
from rotator.schedule import make_calendar
from rotator.store.store import Store
from rotator.store.tables import audit, secrets
from tests.support.manager import ME, value

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NIGHTLY = "cron(0 2 * * ? *)"


def planner(digest: str = "", **calendar: Any) -> Planner:
    """One with a calendar, or with none."""
    if not calendar:
        return Planner()
    return Planner(
        calendars_digest=digest or repr(calendar),
        load_calendars=lambda: (make_calendar("freeze", **calendar),),
    )


class Home:
    """A store whose processes have one configuration after another."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self.store = store
        self.sealer = sealer

    def manager(self, planner: Planner | None = None) -> SecretsManager:
        return SecretsManager(self.store, self.sealer, planner=planner)

    def set(self, manager: SecretsManager, name: str = "db", **rules: Any) -> RotationSettings:
        return manager.set_rotation(
            **ME, secret_id=name, rotator="generic", rules=RotationRules(**rules)
        )

    def settings(self, manager: SecretsManager, name: str = "db") -> RotationSettings:
        found = manager.get_rotation(**ME, secret_id=name)
        assert found is not None
        return found

    def stored(self, *columns: str) -> tuple[Any, ...]:
        with self.store.read() as tx:
            return tuple(
                tx.execute(select(*(secrets.c[name] for name in columns))).one_or_none() or ()
            )

    def alter(self, **columns: Any) -> None:
        with self.store.write() as tx:
            tx.execute(update(secrets).values(**columns))

    def now(self) -> datetime:
        with self.store.read() as tx:
            return tx.now


@pytest.fixture
def home(store: Store, sealer: Sealer) -> Home:
    made = Home(store, sealer)
    made.manager().create_secret(**ME, name="db", value=value("v1"), tags={"env": "prod"})
    return made


def test_a_schedule_goes_by_its_zone(home: Home) -> None:
    """Windows open by the clock of the zone; it stays when other rules are set, and UTC takes it away."""
    manager = home.manager()
    zoned = home.set(manager, schedule_expression=NIGHTLY, timezone="Asia/Kolkata")
    assert zoned.timezone == "Asia/Kolkata"
    assert zoned.window_start is not None
    assert (zoned.window_start.hour, zoned.window_start.minute) == (20, 30)
    assert home.set(manager, schedule_expression="rate(1 day)").timezone == "Asia/Kolkata"
    plain = home.set(manager, schedule_expression=NIGHTLY, timezone="UTC")
    assert (plain.timezone, plain.window_start and plain.window_start.hour) == (None, 2)


def test_the_planned_moment_keeps_off_blackouts(home: Home) -> None:
    """Where a calendar closes all of a window but its last hour, the secret is planned for that hour."""
    frozen = home.manager(planner(weekly=["00:00-23:00"]))
    settings = home.set(frozen, schedule_expression="rate(1 day)")
    assert settings.due_at is not None
    assert settings.due_at.hour == 23


def test_that_there_is_no_window_is_stored(home: Home) -> None:
    """Where blackouts close every window nothing is due, and a change of the calendar makes it due again."""
    settings = home.set(
        home.manager(planner(weekly=["00:00-24:00"])), schedule_expression="rate(1 day)"
    )
    assert settings.scheduled
    assert settings.due_at is None
    manager = home.manager()
    assert manager.replan(**ME) == Replanned(changed=1, missed=0)
    assert home.settings(manager).due_at is not None


def test_years_that_are_over_are_refused(home: Home) -> None:
    """Rules that never open a window can't be set."""
    with pytest.raises(InvalidParameter, match="years of the expression are over"):
        home.set(home.manager(), schedule_expression="cron(0 2 * * ? 2020)")


def test_due_times_follow_the_calendars(home: Home) -> None:
    """They are shown as they will be at once, and stored so by the next `replan`; then there is nothing left to do."""
    before = home.set(home.manager(), schedule_expression="rate(30 days)")
    assert before.window_start is not None
    day = f"{before.window_start:%Y-%m-%d}"
    frozen = home.manager(planner(dates=[day]))
    shown = home.settings(frozen)
    assert shown.window_start == before.window_start + 30 * DAY
    assert home.stored("due_at") == (before.due_at,)
    assert frozen.replan(**ME) == Replanned(changed=1, missed=0)
    assert home.stored("due_at", "window_end") == (shown.due_at, shown.window_end)
    assert frozen.replan(**ME) == Replanned(changed=0, missed=0)
    assert home.settings(home.manager(planner("as before", dates=["2020-01-01"]))) == before


def test_a_calendar_that_changes_nothing_moves_nothing(home: Home) -> None:
    """Where the due time stays what it was, only what it was worked out from is stored."""
    before = home.set(home.manager(), schedule_expression=NIGHTLY)
    revision = home.stored("revision")
    manager = home.manager(planner(dates=["2020-01-01"]))
    assert manager.replan(**ME) == Replanned(changed=0, missed=0)
    assert home.settings(manager) == before
    assert home.stored("revision") == revision
    assert "|-|" not in home.stored("due_basis")[0]


def test_other_zone_data_have_due_times_worked_out_anew(home: Home) -> None:
    """What was worked out from other data of the zone is worked out again."""
    manager = home.manager()
    before = home.set(manager, schedule_expression=NIGHTLY, timezone="Europe/Berlin")
    [basis] = home.stored("due_basis")
    assert before.window_start is not None
    assert "Europe/Berlin=" in basis
    home.alter(
        due_basis=basis[:-1] + "-",
        window_start=before.window_start + HOUR,
        due_at=before.window_start + HOUR,
    )
    assert home.settings(home.manager()) == before
    assert home.manager().replan(**ME) == Replanned(changed=1, missed=0)
    assert home.stored("window_start", "due_basis") == (before.window_start, basis)


def test_a_calendar_may_be_for_a_tag(home: Home) -> None:
    """A secret's due time follows its tags at once."""
    manager = home.manager(planner(weekly=["00:00-23:00"], tags={"freeze": "yes"}))
    free = home.set(manager, schedule_expression="rate(1 day)")
    manager.tag_resource(**ME, secret_id="db", tags={"freeze": "yes"})
    bound = home.settings(manager)
    assert bound.due_at is not None
    assert bound.due_at.hour == 23
    manager.untag_resource(**ME, secret_id="db", tag_keys=["freeze"])
    assert home.settings(manager).due_at == free.due_at


@pytest.mark.parametrize(
    ("duration", "missed", "runs"),
    [(None, None, True), ("2h", None, False), ("2h", Missed.RUN, True), (None, Missed.WAIT, False)],
)
def test_a_missed_window(
    home: Home, duration: str | None, missed: Missed | None, runs: bool
) -> None:
    """Without a duration it runs soon, with one it waits; the secret's own rule changes either."""
    manager = home.manager()
    home.set(manager, schedule_expression="rate(30 days)", duration=duration, missed=missed)
    now = home.now()
    home.alter(window_start=now - 3 * DAY, window_end=now - 2 * DAY, due_at=now - 2 * DAY - HOUR)
    assert manager.replan(**ME) == Replanned(changed=0, missed=1)
    due_at = home.settings(manager).due_at
    assert due_at is not None
    assert (due_at < home.now() + HOUR) is runs
    assert due_at > now
    assert manager.replan(**ME) == Replanned(changed=0, missed=0)


def test_what_is_made_up_for_survives_a_change_of_calendars(home: Home) -> None:
    """A missed rotation that is planned is not forgotten when a calendar changes before it starts."""
    manager = home.manager()
    home.set(manager, schedule_expression="rate(30 days)")
    now = home.now()
    home.alter(window_start=now - 3 * DAY, window_end=now - 2 * DAY, due_at=now - 2 * DAY - HOUR)
    manager.replan(**ME)
    other = home.manager(planner(dates=["2020-01-01"]))
    assert other.replan(**ME).changed + other.replan(**ME).missed <= 1
    due_at = home.settings(other).due_at
    assert due_at is not None
    assert due_at < now + HOUR


def test_rules_that_were_altered_stop_nobody(home: Home) -> None:
    """A row whose rules can't be read is told, and the others are worked out."""
    manager = home.manager()
    manager.create_secret(**ME, name="other", value=value("v"))
    home.set(manager, schedule_expression="rate(1 day)")
    home.set(manager, "other", schedule_expression="rate(1 day)")
    with home.store.write() as tx:
        tx.execute(update(secrets).values(due_basis="old"))
        tx.execute(
            update(secrets).where(secrets.c.name == "db").values(schedule_expression="often")
        )
    done = manager.replan(**ME)
    assert [arn.rpartition(":")[2][:3] for arn in done.unreadable] == ["db-"]
    assert home.settings(manager, "other").due_at is not None


def test_the_audit_knows_of_it(home: Home) -> None:
    """A due time that was worked out anew leaves a record, and rows and records agree."""
    rules = {"schedule_expression": "rate(1 day)", "timezone": "Europe/Berlin"}
    planned = home.set(home.manager(), **rules).due_at
    assert planned is not None
    closed = f"{planned - HOUR:%Y-%m-%dT%H:%M} - {planned + HOUR:%Y-%m-%dT%H:%M}"
    home.manager(planner(dates=[closed])).replan(**ME)
    assert Auditing(home.store).verify(**ME).faults == ()
    with home.store.read() as tx:
        events = tx.execute(select(audit.c.event).where(audit.c.event == PLANNED)).scalars()
        assert list(events) == [PLANNED]
