"""When the windows of a cron expression open, which croniter works out.

croniter's dialect is another one: its weekdays count from 0, a sixth field is its seconds, and it
has no `?`. So it never sees AWS's text but the values that were parsed from it, spelled out.
"""

from collections.abc import Sequence
from datetime import datetime

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


def next_opening(cron: Cron, *, after: datetime) -> datetime:
    """The first opening strictly after an aware UTC moment."""
    from croniter import croniter  # type: ignore[import-untyped]  # slow to import, and most commands need no schedule

    # croniter counts in floating-point seconds; windows open on the hour, so the hour will do.
    hour = after.replace(minute=0, second=0, microsecond=0)
    opening: datetime = croniter(unix_expression(cron), hour).get_next(datetime)
    return opening


def unix_expression(cron: Cron) -> str:
    """The same schedule for croniter: minute, hour, day, month and weekday, 0 being Sunday."""
    day_of_month, day_of_week = _day_fields(cron.days)
    return f"0 {_list(cron.hours)} {day_of_month} {_list(cron.months)} {day_of_week}"


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
