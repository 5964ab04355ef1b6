"""Schedules by a local clock, which is turned forward and back; and what a brute force over minutes makes of them."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import example, given, settings

from rotator.schedule import (
    ScheduleError,
    Window,
    next_window,
    parse_duration,
    parse_schedule,
    window_at,
    windows,
    zone_named,
)
from rotator.schedule.zones import end_of_day, first_moment_at, wall_time
from tests.unit.schedule.reference import openings_by_minute
from tests.unit.schedule.strategies import near_turns, wide_crons, wide_expressions, zones

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BERLIN = zone_named("Europe/Berlin")
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the clock goes from 02:00 to 03:00 on the 29th
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)  # and from 03:00 to 02:00 on the 25th


def berlin(expression: str, *, after: datetime, count: int) -> list[str]:
    """Start and end of windows, as UTC times of the month's days."""
    found = windows(
        parse_schedule(expression), after=after, anchor=after, duration=None, zone=BERLIN
    )
    return [f"{window.start:%d %H:%M}-{window.end:%H:%M}" for window in islice(found, count)]


def test_a_time_that_does_not_exist_comes_when_the_clock_is_turned() -> None:
    """02:30 on the day of the change to summer time is 03:00, which is 01:00 UTC."""
    assert berlin("cron(30 2 * * ? *)", after=SPRING, count=2) == [
        "29 01:00-22:00",
        "30 00:30-22:00",
    ]


def test_times_that_do_not_exist_open_one_window_together() -> None:
    """Of four windows in the hour that is passed over, and the one after it, there is one."""
    assert berlin("cron(0/15 1-3 * * ? *)", after=SPRING, count=6) == [
        "29 00:00-00:15",
        "29 00:15-00:30",
        "29 00:30-00:45",
        "29 00:45-01:00",
        "29 01:00-01:15",
        "29 01:15-01:30",
    ]


def test_a_time_that_comes_twice_opens_a_window_the_first_time() -> None:
    """02:30 on the day of the change to winter time is 00:30 UTC, and not again an hour later."""
    assert berlin("cron(30 2 * * ? *)", after=AUTUMN, count=2) == [
        "25 00:30-23:00",
        "26 01:30-23:00",
    ]


def test_the_window_of_a_longer_day_is_open_until_its_end() -> None:
    """On the day of the change to winter time it lasts 25 hours, and is found in the last one too."""
    opens = datetime(2026, 10, 24, 22, tzinfo=UTC)
    window = window_at(
        parse_schedule("cron(0 0 * * ? *)"),
        moment=opens + 24.5 * HOUR,
        anchor=opens,
        duration=None,
        zone=BERLIN,
    )
    assert window == Window(opens, opens + 25 * HOUR)


def test_a_window_keeps_off_the_next_one_where_the_clock_skips_an_hour() -> None:
    """Windows of two hours at 01:00 and 03:00 are an hour apart on that day, and the first is cut."""
    schedule = parse_schedule("cron(0 1,3 * * ? *)")
    first, second = islice(
        windows(schedule, after=SPRING, anchor=SPRING, duration=2 * HOUR, zone=BERLIN),
        2,
    )
    at = datetime(2026, 3, 29, tzinfo=UTC)
    assert first == Window(at, at + HOUR)
    assert second == Window(at + HOUR, at + 3 * HOUR)


def test_a_day_has_the_hours_that_the_clock_gives_it() -> None:
    """By default a window from midnight lasts 23 hours on one day of the year and 25 on another."""
    for after, hours in ((SPRING, 23), (AUTUMN, 25), (AUTUMN + DAY, 24)):
        for expression in ("cron(0 0 * * ? *)", "rate(1 day)"):
            window = next_window(
                parse_schedule(expression), after=after, anchor=after, duration=None, zone=BERLIN
            )
            assert window is not None
            assert window.end - window.start == hours * HOUR
            assert wall_time(window.start, BERLIN).hour == wall_time(window.end, BERLIN).hour == 0


def test_hours_of_a_rate_are_hours() -> None:
    """Every twelve hours stays twelve hours apart, whatever the clock shows."""
    assert berlin("rate(12 hours)", after=SPRING, count=3) == [
        "29 00:00-01:00",
        "29 12:00-13:00",
        "30 00:00-01:00",
    ]


def test_a_day_that_does_not_exist_is_passed_over() -> None:
    """Samoa had no 30th of December 2011: its window is the one of the 31st."""
    apia = zone_named("Pacific/Apia")
    after = datetime(2011, 12, 29, 12, tzinfo=UTC)  # the 29th, 02:00
    found = windows(
        parse_schedule("cron(0 8 * * ? *)"), after=after, anchor=after, duration=None, zone=apia
    )
    assert [wall_time(window.start, apia) for window in islice(found, 3)] == [
        datetime(2011, 12, 29, 8),  # noqa: DTZ001  # what the clock shows
        datetime(2011, 12, 31, 0),  # noqa: DTZ001
        datetime(2011, 12, 31, 8),  # noqa: DTZ001
    ]


@settings(deadline=None, max_examples=40)
@given(wide_crons, zones, near_turns)
@example("cron(30 2 * * ? *)", "Europe/Berlin", SPRING)
@example("cron(0/10 * * * ? *)", "Europe/Berlin", AUTUMN)
@example("cron(0 0 * * ? *)", "America/Havana", datetime(2026, 3, 7, tzinfo=UTC))
@example("cron(15 2 * * ? *)", "Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC))
@example("cron(0 12 30 12 ? *)", "Pacific/Apia", datetime(2011, 12, 29, tzinfo=UTC))
def test_openings_agree_with_a_brute_force_over_minutes(
    expression: str, zone: str, after: datetime
) -> None:
    """In three days, none is left out and none is added, in any zone, also where its clock is turned."""
    until = after + 3 * DAY
    schedule, clock = parse_schedule(expression), zone_named(zone)
    expected = list(
        islice(openings_by_minute(expression, after=after, until=until, zone=clock), 50)
    )
    found = [
        window.start
        for window in islice(
            windows(schedule, after=after, anchor=after, duration=None, zone=clock), len(expected)
        )
    ]
    assert found == expected
    if len(expected) < 50:
        last = max(expected, default=after)
        following = next_window(schedule, after=last, anchor=after, duration=None, zone=clock)
        assert following is None or following.start >= until


@settings(deadline=None)
@given(wide_expressions, zones, near_turns, near_turns)
def test_windows_come_in_order_in_every_zone(
    expression: str, zone: str, after: datetime, anchor: datetime
) -> None:
    """Each opens after the asked moment and ends, on the zone's day, before the next opens."""
    clock = zone_named(zone)
    schedule = parse_schedule(expression)
    found = list(
        islice(windows(schedule, after=after, anchor=anchor, duration=None, zone=clock), 4)
    )
    assert all(window.start > after for window in found)
    for window in found:
        assert window.start < window.end <= end_of_day(window.start, clock)
        assert wall_time(window.start, clock).second == 0
    assert all(earlier.end <= later.start for earlier, later in pairwise(found))


@settings(deadline=None)
@given(wide_expressions, zones, near_turns, near_turns)
def test_the_open_window_is_found_in_every_zone(
    expression: str, zone: str, after: datetime, anchor: datetime
) -> None:
    """`window_at` finds a window from its first moment to its last, and not when it has ended."""
    clock, schedule = zone_named(zone), parse_schedule(expression)
    window = next_window(schedule, after=after, anchor=anchor, duration=None, zone=clock)
    if window is None:
        return
    moment = timedelta(microseconds=1)

    def found(at: datetime) -> Window | None:
        return window_at(schedule, moment=at, anchor=anchor, duration=None, zone=clock)

    assert found(window.start) == found(window.end - moment) == window
    assert found(window.end) != window
    assert found(window.start - moment) != window


@given(zones, near_turns)
def test_the_first_moment_of_a_time(zone: str, moment: datetime) -> None:
    """It is not after a moment at which the clock shows the time, and the clock shows no earlier time then."""
    clock = zone_named(zone)
    first = first_moment_at(wall_time(moment, clock), clock)
    assert first <= moment
    assert wall_time(first, clock) == wall_time(moment, clock)


def test_the_years_of_an_expression_end() -> None:
    """After the last of its years no window opens; before the first of them the wait is as long as it takes."""
    schedule = parse_schedule("cron(0 8 29 2 ? 2030,2040-2044)")
    found = windows(
        schedule, after=SPRING, anchor=SPRING, duration=None, zone=zone_named("Asia/Kolkata")
    )
    assert [window.start.year for window in found] == [2040, 2044]
    never = parse_schedule("cron(0 8 29 2 ? 2030)")
    assert next_window(never, after=SPRING, anchor=SPRING, duration=None) is None
    assert parse_duration("3h", never) == 3 * HOUR


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/passwd", "CET\0"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """A name that the time zone database doesn't have is an error that says what one looks like."""
    with pytest.raises(ScheduleError, match="Europe/Berlin") as refusal:
        zone_named(name)
    assert refusal.value.field == "timezone"
