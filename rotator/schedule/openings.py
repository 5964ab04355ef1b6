"""When the windows of a cron expression open, which croniter works out.

croniter's dialect is another one: its weekdays count from 0, a sixth field is its seconds, and it
has no `?`. So it never sees AWS's text but the values that were parsed from it, spelled out. Nor
does it see a time zone: it is asked for times of the local clock, and `zones` says when they come.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from rotator.schedule.expression import (
    Cron,
    Days,
    DaysOfMonth,
    EveryDay,
    LastDayOfMonth,
    LastWeekday,
    NthWeekday,
    Weekdays,
)
from rotator.schedule.zones import first_moment_at, wall_time

MINUTE = timedelta(minutes=1)


def next_opening(cron: Cron, *, after: datetime, zone: tzinfo) -> datetime | None:
    """The first opening strictly after an aware moment, in UTC; None where the years are over."""
    wall: datetime | None = wall_time(after, zone)
    while wall is not None:
        wall = _next_time(cron, after=wall)
        if wall is not None and (opening := first_moment_at(wall, zone)) > after:
            return opening
    return None


def unix_expression(cron: Cron) -> str:
    """The same schedule for croniter, but for its years: minute, hour, day, month and weekday, 0 being Sunday."""
    day_of_month, day_of_week = _day_fields(cron.days)
    return f"{_list(cron.minutes)} {_list(cron.hours)} {day_of_month} {_list(cron.months)} {day_of_week}"


def _next_time(cron: Cron, *, after: datetime) -> datetime | None:
    """The first time strictly after another one, both of the local clock."""
    from croniter import croniter  # type: ignore[import-untyped]  # slow to import, and most commands need no schedule

    expression = unix_expression(cron)
    # croniter counts in floating-point seconds; windows open on the minute, so the minute will do.
    after = after.replace(second=0, microsecond=0)
    while True:
        found: datetime = croniter(expression, after.replace(tzinfo=UTC)).get_next(datetime)
        if cron.years is None or found.year in cron.years:
            return found.replace(tzinfo=None)
        year = next((year for year in cron.years if year > found.year), None)
        if year is None:
            return None
        after = datetime(year, 1, 1) - MINUTE  # noqa: DTZ001  # of the local clock


def _day_fields(days: Days) -> tuple[str, str]:
    match days:
        case EveryDay():
            return "*", "*"
        case DaysOfMonth(numbers):
            return _list(numbers), "*"
        case LastDayOfMonth():
            return "L", "*"
        case Weekdays(weekdays):
            return "*", _list([_unix_weekday(weekday) for weekday in weekdays])
        case NthWeekday(weekday, nth):
            return "*", f"{_unix_weekday(weekday)}#{nth}"
        case LastWeekday(weekday):
            return "*", f"L{_unix_weekday(weekday)}"


def _unix_weekday(weekday: int) -> int:
    return weekday - 1


def _list(values: Sequence[int]) -> str:
    return ",".join(map(str, values))
