"""When windows open and close, and the moment within one."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.schedule import (
    Schedule,
    ScheduleError,
    Window,
    parse_duration,
    parse_schedule,
    planned_moment,
    window_at,
)
from rotator.schedule import next_window as _next_window
from tests.unit.schedule.reference import first_openings, opens_on
from tests.unit.schedule.strategies import crons, expressions, moments, rates

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday, in a leap year
EVE = NEW_YEAR - timedelta(seconds=1)


def next_window(
    schedule: Schedule, *, after: datetime, anchor: datetime, duration: timedelta | None
) -> Window:
    """The next window, of a schedule that goes on for ever."""
    window = _next_window(schedule, after=after, anchor=anchor, duration=duration)
    assert window is not None
    return window


def starts(
    schedule: Schedule, count: int, *, after: datetime, anchor: datetime = NEW_YEAR
) -> list[datetime]:
    found = []
    for _ in range(count):
        after = next_window(schedule, after=after, anchor=anchor, duration=None).start
        found.append(after)
    return found


@pytest.mark.parametrize(
    ("expression", "openings"),
    [
        # The examples of "Rotation schedules" in AWS's user guide, in its order.
        ("cron(0 4/12 * * ? *)", "01-01T04 01-01T16 01-02T04 01-02T16"),
        ("cron(0 /8 * * ? *)", "01-01T00 01-01T08 01-01T16 01-02T00"),
        ("cron(0 8/8 * * ? *)", "01-01T08 01-01T16 01-02T08 01-02T16"),
        ("cron(0 2/10 * * ? *)", "01-01T02 01-01T12 01-01T22 01-02T02"),
        ("cron(0 10 * * ? *)", "01-01T10 01-02T10 01-03T10"),
        ("cron(0 18 ? * SAT *)", "01-06T18 01-13T18"),
        ("cron(0 8 1 * ? *)", "01-01T08 02-01T08 03-01T08"),
        ("cron(0 1 ? 1/3 SUN#1 *)", "01-07T01 04-07T01 07-07T01 10-06T01"),
        ("cron(0 17 L * ? *)", "01-31T17 02-29T17 03-31T17 04-30T17"),
        ("cron(0 8 ? * MON-FRI *)", "01-01T08 01-02T08 01-03T08 01-04T08 01-05T08 01-08T08"),
        ("cron(0 16 1,15 * ? *)", "01-01T16 01-15T16 02-01T16"),
        ("cron(0 0 ? * SUN#1 *)", "01-07T00 02-04T00 03-03T00"),
        ("cron(0 0 ? 1/11 2#1 *)", "01-01T00 12-02T00"),
        # From an earlier edition of the page, and from the API reference.
        ("cron(0 1 * 1/3 SUN *)", "01-07T01 01-14T01 01-21T01 01-28T01 04-07T01"),
        ("cron(0 21 L * ? *)", "01-31T21 02-29T21"),
        # The fields that the page's table of wildcards gives as examples.
        ("cron(0 0 1-15 * ? *)", " ".join(f"01-{day:02}T00" for day in range(1, 16)) + " 02-01T00"),
        ("cron(0 0 1/2 2 ? *)", " ".join(f"02-{day:02}T00" for day in range(1, 30, 2))),
        ("cron(0 0 SUNL * ? *)", "01-28T00 02-25T00 03-31T00"),
        ("cron(0 0 1 JAN,APR,JUL,OCT ? *)", "01-01T00 04-01T00 07-01T00 10-01T00"),
        ("cron(0 0 1 1-3 ? *)", "01-01T00 02-01T00 03-01T00"),
        ("cron(0 0 1 1/3 ? *)", "01-01T00 04-01T00 07-01T00 10-01T00"),
        ("cron(0 0 ? * TUE#3 *)", "01-16T00 02-20T00"),
        ("cron(0 0 ? * 1,4 *)", "01-03T00 01-07T00 01-10T00"),
        ("cron(0 0 ? * 1-4 *)", "01-01T00 01-02T00 01-03T00 01-07T00"),
        ("cron(0 0 ? * 1/2 *)", "01-02T00 01-04T00 01-06T00 01-07T00 01-09T00"),
        ("cron(0 0 ? * L *)", "01-06T00 01-13T00"),
        ("cron(0 0 ? * 6L *)", "01-26T00 02-23T00"),
    ],
)
def test_cron_windows_open_as_aws_documents(expression: str, openings: str) -> None:
    """Each cron expression in AWS's documentation opens its windows at the times given there."""
    expected = [datetime.fromisoformat(f"2024-{hour}:00+00:00") for hour in openings.split()]
    assert starts(parse_schedule(expression), len(expected), after=EVE) == expected


@settings(deadline=None)
@given(crons, moments)
def test_cron_windows_agree_with_a_second_reading(expression: str, after: datetime) -> None:
    """In order, with none left out, the windows open when a naive walk over all hours says so."""
    found = starts(parse_schedule(expression), 4, after=after)
    assert found == first_openings(expression, 4, after=after)


def test_a_leap_day_is_waited_for_across_a_century_that_has_none() -> None:
    """After 2096 the 29th of February comes in 2104, and the schedule's window with it."""
    schedule = parse_schedule("cron(0 8 29 2 ? *)")
    after = datetime(2096, 2, 29, 8, tzinfo=UTC)
    assert starts(schedule, 1, after=after) == [datetime(2104, 2, 29, 8, tzinfo=UTC)]


def test_the_rarest_day_is_found() -> None:
    """A fifth Monday in February, which may be forty years away, has its window."""
    schedule = parse_schedule("cron(0 0 ? 2 MON#5 *)")
    after = datetime(2072, 3, 1, tzinfo=UTC)
    [found] = starts(schedule, 1, after=after)
    assert found == datetime(2112, 2, 29, tzinfo=UTC)
    assert opens_on(str(schedule), date(2112, 2, 29))


@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [
        ("rate(1 day)", "2024-03-04T00", "2024-03-05T00"),
        ("rate(8 days)", "2024-03-11T00", "2024-03-19T00"),
        ("rate(10 days)", "2024-03-13T00", "2024-03-23T00"),
        ("rate(4 hours)", "2024-03-03T21", "2024-03-04T01"),
        ("rate(10 hours)", "2024-03-04T03", "2024-03-04T13"),
        ("rate(12 hours)", "2024-03-04T05", "2024-03-04T17"),
        ("rate(999 days)", "2026-11-27T00", "2029-08-22T00"),
    ],
)
def test_rate_windows_are_counted_from_the_anchor(expression: str, first: str, second: str) -> None:
    """A rate's windows open whole periods after the beginning of the anchor's day or hour."""
    anchor = datetime(2024, 3, 3, 17, 20, 5, tzinfo=UTC)
    expected = [datetime.fromisoformat(f"{start}:00+00:00") for start in (first, second)]
    assert starts(parse_schedule(expression), 2, after=anchor, anchor=anchor) == expected


@given(rates, moments, moments)
def test_rate_windows_lie_on_one_grid_without_gaps(
    expression: str, after: datetime, anchor: datetime
) -> None:
    """Windows are exactly one period apart, and none is left out after the asked moment."""
    schedule = parse_schedule(expression)
    first, second = starts(schedule, 2, after=after, anchor=anchor)
    period = second - first
    origin = anchor.replace(minute=0, second=0, microsecond=0)
    if "day" in expression:
        origin = origin.replace(hour=0)
    assert (first - origin) % period == timedelta()
    assert first > after
    assert first == origin + period or first - period <= after


@given(expressions, moments, moments)
def test_windows_come_in_order_and_never_touch(
    expression: str, after: datetime, anchor: datetime
) -> None:
    """Each opens on the hour, after the asked moment, and ends that day before the next opens."""
    schedule = parse_schedule(expression)
    windows = []
    moment = after
    for _ in range(3):
        windows.append(next_window(schedule, after=moment, anchor=anchor, duration=None))
        moment = windows[-1].start
    assert after < windows[0].start < windows[1].start < windows[2].start
    assert all(earlier.end <= later.start for earlier, later in pairwise(windows))
    for window in windows:
        assert window.start == window.start.replace(minute=0, second=0, microsecond=0)
        assert HOUR <= window.end - window.start <= DAY
        assert window.end <= window.start.replace(hour=0) + DAY
        assert window.start.tzinfo is window.end.tzinfo is UTC


@given(expressions, moments, moments, st.integers(1, 24), st.timedeltas(-DAY, DAY))
def test_the_open_window_is_the_one_around_the_moment(
    expression: str, after: datetime, anchor: datetime, hours: int, offset: timedelta
) -> None:
    """`window_at` finds a window from its start until just before its end, and none elsewhere."""
    schedule = parse_schedule(expression)
    try:
        duration = parse_duration(f"{hours}h", schedule)
    except ScheduleError:
        duration = parse_duration(None, schedule)
    window = next_window(schedule, after=after, anchor=anchor, duration=duration)
    moment = window.start + offset
    expected = None
    window = next_window(schedule, after=moment - 2 * DAY, anchor=anchor, duration=duration)
    while window.start <= moment:
        if moment < window.end:
            expected = window
        window = next_window(schedule, after=window.start, anchor=anchor, duration=duration)
    assert window_at(schedule, moment=moment, anchor=anchor, duration=duration) == expected


def test_a_window_ends_just_before_its_end() -> None:
    """The moment at which a window ends belongs to it no more."""
    schedule = parse_schedule("cron(0 16 1,15 * ? *)")
    window = Window(NEW_YEAR + 16 * HOUR, NEW_YEAR + 18 * HOUR)
    instant = timedelta(microseconds=1)
    duration = parse_duration("2h", schedule)
    for moment, found in [
        (window.start - instant, None),
        (window.start, window),
        (window.end - instant, window),
        (window.end, None),
    ]:
        at = window_at(schedule, moment=moment, anchor=NEW_YEAR, duration=duration)
        assert at == found


def test_no_window_of_a_rate_opens_before_one_period_has_passed() -> None:
    """The first window is one period after the anchor, however early one asks."""
    schedule = parse_schedule("rate(1 day)")
    assert window_at(schedule, moment=NEW_YEAR + HOUR, anchor=NEW_YEAR, duration=None) is None
    long_before = NEW_YEAR - 100 * DAY
    window = next_window(schedule, after=long_before, anchor=NEW_YEAR, duration=None)
    assert window == Window(NEW_YEAR + DAY, NEW_YEAR + 2 * DAY)


def test_a_rate_in_hours_is_cut_at_midnight() -> None:
    """A window of several hours that opens late in the evening closes with the UTC day."""
    schedule = parse_schedule("rate(12 hours)")
    anchor = NEW_YEAR + 10 * HOUR
    window = next_window(schedule, after=anchor, anchor=anchor, duration=3 * HOUR)
    assert window == Window(NEW_YEAR + 22 * HOUR, NEW_YEAR + DAY)
    assert window_at(schedule, moment=window.end, anchor=anchor, duration=3 * HOUR) is None


def test_moments_in_other_zones_are_the_same_moments() -> None:
    """A moment with another offset gives the window of the same instant in UTC."""
    schedule = parse_schedule("cron(0 22 * * ? *)")
    elsewhere = datetime(2024, 1, 2, 1, 30, tzinfo=timezone(3 * HOUR))
    window = next_window(schedule, after=elsewhere, anchor=elsewhere, duration=None)
    assert window == Window(NEW_YEAR + DAY + 22 * HOUR, NEW_YEAR + 2 * DAY)


def test_a_moment_without_a_zone_is_refused() -> None:
    """A naive moment could mean any zone, so it is an error."""
    naive = NEW_YEAR.replace(tzinfo=None)
    with pytest.raises(ValueError, match="without a time zone"):
        next_window(parse_schedule("rate(1 day)"), after=naive, anchor=NEW_YEAR, duration=None)


def test_a_duration_of_another_schedule_is_refused() -> None:
    """A duration that would make this schedule's windows overlap is refused when it is used."""
    schedule = parse_schedule("rate(4 hours)")
    with pytest.raises(ScheduleError, match="allowed: 1m to 4h"):
        next_window(schedule, after=NEW_YEAR, anchor=NEW_YEAR, duration=5 * HOUR)


@given(st.text(), moments, st.integers(1, 24))
def test_the_planned_moment_lies_in_the_window(key: str, start: datetime, hours: int) -> None:
    """For any key it is not before the start, before the end, and the same when asked again."""
    window = Window(start, start + hours * HOUR)
    moment = planned_moment(window, key=key)
    assert window.start <= moment < window.end
    assert moment == planned_moment(window, key=key)


def test_another_process_plans_the_same_moment() -> None:
    """It depends on nothing but the key's SHA-256 and the window, and so is pinned here."""
    window = Window(NEW_YEAR, NEW_YEAR + DAY)
    assert planned_moment(window, key="prod/db") == datetime(2024, 1, 1, 14, 8, 47, tzinfo=UTC)


def test_planned_moments_are_spread_over_the_window() -> None:
    """Of a thousand secrets on one schedule, each tenth of the window gets about a hundred."""
    window = Window(NEW_YEAR, NEW_YEAR + DAY)
    tenths = [0] * 10
    for number in range(1000):
        moment = planned_moment(window, key=f"secret/{number}")
        tenths[int((moment - window.start) / (DAY / 10))] += 1
    assert all(60 < count < 140 for count in tenths)
