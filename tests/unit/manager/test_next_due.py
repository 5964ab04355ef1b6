"""When a secret is due next."""

from datetime import UTC, datetime

import pytest

from rotator.manager.next_due import anchor_of, due_columns
from rotator.schedule import ScheduleError
from rotator.store.secrets import SecretRow

MADE = datetime(2026, 3, 3, 17, 20, tzinfo=UTC)
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
NOT_DUE = {"window_start": None, "window_end": None, "due_at": None, "due_basis": None}

SECRET = SecretRow(
    id=1,
    account="123456789012",
    region="eu-central-1",
    name="db",
    arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf",
    description=None,
    kms_key_id=None,
    created_at=MADE,
    changed_at=MADE,
    accessed_on=None,
    deleted_at=None,
    purge_at=None,
    rotation_enabled=True,
    rotator="generic",
    schedule_expression="rate(10 days)",
    automatically_after_days=None,
    duration=None,
    timezone=None,
    missed=None,
    rules_at=MADE,
    rotated_at=None,
    window_start=None,
    window_end=None,
    due_at=None,
    due_basis=None,
    authority=None,
    admin_arn=None,
    rotation_options=None,
    barrier_raised_at=None,
    barrier_until=None,
    tagged=False,
    revision=0,
)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def test_a_rate_counts_from_its_anchor() -> None:
    """Ten days after the 3rd is the 13th, whenever it is asked for before that."""
    columns = due_columns(SECRET, rotated_at=MADE, now=NOW)

    assert (columns["window_start"], columns["window_end"]) == (day(13), day(14))
    due_at = columns["due_at"]
    assert isinstance(due_at, datetime)
    assert day(13) <= due_at < day(14)


def test_days_are_a_rate() -> None:
    """AutomaticallyAfterDays=10 is due when `rate(10 days)` is."""
    by_days = SECRET._replace(schedule_expression=None, automatically_after_days=10)

    assert due_columns(by_days, rotated_at=MADE, now=NOW) == due_columns(
        SECRET, rotated_at=MADE, now=NOW
    )


def test_a_cron_expression_names_its_windows() -> None:
    """The anchor plays no part, and the duration bounds the window."""
    nightly = SECRET._replace(schedule_expression="cron(0 4 * * ? *)", duration="2h")

    columns = due_columns(nightly, rotated_at=MADE, now=NOW)

    assert (columns["window_start"], columns["window_end"]) == (day(6, 4), day(6, 6))


def test_the_planned_moment_depends_on_the_secret_alone() -> None:
    """It is the same whenever it is worked out, and another secret's is another."""
    other = SECRET._replace(arn=SECRET.arn + "x")

    once = due_columns(SECRET, rotated_at=MADE, now=NOW)["due_at"]

    assert due_columns(SECRET, rotated_at=MADE, now=MADE)["due_at"] == once
    assert due_columns(other, rotated_at=MADE, now=NOW)["due_at"] != once


@pytest.mark.parametrize(
    "secret",
    [
        SECRET._replace(rotation_enabled=False),
        SECRET._replace(schedule_expression=None),
        SECRET._replace(deleted_at=NOW),
    ],
    ids=["cancelled", "without rules", "deleted"],
)
def test_some_secrets_are_never_due(secret: SecretRow) -> None:
    """Without rules, after a cancellation and in a recovery window nothing is planned."""
    assert due_columns(secret, rotated_at=MADE, now=NOW) == NOT_DUE


def test_rules_that_are_none_are_an_error() -> None:
    """What can't have been stored by `set_rotation` isn't passed over."""
    with pytest.raises(ScheduleError):
        due_columns(SECRET._replace(schedule_expression="often"), rotated_at=MADE, now=NOW)


@pytest.mark.parametrize(
    ("rules_at", "rotated_at", "anchor"),
    [
        (None, None, NOW),
        (day(3), None, day(3)),
        (day(3), day(4), day(4)),
        (day(4), day(3), day(4)),
    ],
)
def test_the_latest_event_is_the_anchor(
    rules_at: datetime | None, rotated_at: datetime | None, anchor: datetime
) -> None:
    """A rate counts from the last rotation, or from later rules or a later value put by hand."""
    secret = SECRET._replace(rules_at=rules_at, rotated_at=rotated_at)

    assert anchor_of(secret, now=NOW) == anchor
