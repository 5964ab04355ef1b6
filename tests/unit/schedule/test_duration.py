"""How long a rotation window may be, and how long it is when nothing is said."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.model.rules import Limits
from rotator.schedule import ScheduleError, parse_duration, parse_schedule
from rotator.schedule.duration import shown
from tests.unit.schedule.strategies import wide_expressions

DAYS = parse_schedule("rate(10 days)")


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("rate(4 hours)", 1),
        ("rate(48 hours)", 1),
        ("rate(1 day)", 24),
        ("rate(10 days)", 24),
        ("cron(0 4/12 * * ? *)", 1),
        ("cron(0 /8 * * ? *)", 1),
        ("cron(0 12/12 * * ? *)", 12),
        ("cron(0 10 * * ? *)", 14),
        ("cron(0 23 ? * SAT *)", 1),
        ("cron(0 0 1 * ? *)", 24),
    ],
)
def test_the_default_is_one_hour_or_the_rest_of_the_day(expression: str, hours: int) -> None:
    """A window of a schedule in hours closes after one hour, another at the end of its UTC day."""
    assert parse_duration(None, parse_schedule(expression)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("expression", "longest"),
    [
        ("rate(4 hours)", 4),
        ("rate(12 hours)", 12),
        ("rate(48 hours)", 24),
        ("rate(1 day)", 24),
        ("rate(10 days)", 24),
        ("cron(0 22 * * ? *)", 2),
        ("cron(0 2/10 * * ? *)", 2),
        ("cron(0 8/8 * * ? *)", 8),
        ("cron(0 0/7 * * ? *)", 3),
        ("cron(0 16 1,15 * ? *)", 8),
    ],
)
def test_a_window_ends_before_the_next_one_and_the_next_day(expression: str, longest: int) -> None:
    """The longest duration just fits; an hour more would run into another window or UTC day."""
    schedule = parse_schedule(expression)
    assert parse_duration(f"{longest}h", schedule) == timedelta(hours=longest)
    with pytest.raises(ScheduleError, match=f"allowed: 1h to {longest}h") as refusal:
        parse_duration(f"{longest + 1}h", schedule, limits=Limits.AWS)
    assert refusal.value.field == "duration"


@pytest.mark.parametrize(
    "text", ["0h", "", "3", "h", "3H", "3 h", "3h ", "-1h", "1.5h", "100h", "٣h"]
)
def test_what_is_no_number_of_hours_is_refused(text: str) -> None:
    """A duration is one or two digits and `h`, and at least one hour."""
    for limits in Limits:
        with pytest.raises(ScheduleError) as refusal:
            parse_duration(text, DAYS, limits=limits)
        assert refusal.value.field == "duration"


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("90m", 90), ("1h30m", 90), ("0h5m", 5), ("1440m", 1440)]
)
def test_the_wider_dialect_has_minutes(text: str, minutes: int) -> None:
    """Minutes alone, or after hours, are a duration by default and none within AWS's limits."""
    assert parse_duration(text, DAYS) == timedelta(minutes=minutes)
    with pytest.raises(ScheduleError, match=r"write it like 3h for three hours$"):
        parse_duration(text, DAYS, limits=Limits.AWS)


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("rate(10 minutes)", 10),
        ("rate(90 minutes)", 60),
        ("rate(1 hour)", 60),
        ("cron(0/15 8-17 * * ? *)", 15),
        ("cron(0,50 * * * ? *)", 10),
        ("cron(30 8,20 * * ? *)", 60),
        ("cron(30 20 * * ? *)", 210),
        ("cron(* 23 * * ? *)", 1),
    ],
)
def test_windows_that_open_often_are_as_long_as_there_is_room(
    expression: str, minutes: int
) -> None:
    """By default a window of a schedule in hours or minutes closes after an hour, or before the next could open."""
    assert parse_duration(None, parse_schedule(expression)) == timedelta(minutes=minutes)


@given(wide_expressions)
def test_the_default_is_itself_an_allowed_duration(expression: str) -> None:
    """Writing the default out as text gives the same duration."""
    schedule = parse_schedule(expression)
    default = parse_duration(None, schedule)
    assert parse_duration(shown(default), schedule) == default


@given(st.text())
def test_any_duration_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, the only error is a ScheduleError."""
    with suppress(ScheduleError):
        assert parse_duration(text, DAYS) >= timedelta(minutes=1)
