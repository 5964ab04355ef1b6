"""A schedule in English words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from itertools import groupby

from rotator.schedule.expression import (
    HOURS_PER_DAY,
    Cron,
    DaysOfMonth,
    EveryDay,
    LastDayOfMonth,
    LastWeekday,
    NthWeekday,
    Rate,
    Schedule,
    Unit,
    Weekdays,
)
from rotator.schedule.zones import zone_name

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ORDINALS = ("first", "second", "third", "fourth", "fifth")
MINUTES_OF_AN_HOUR = range(60)
_NUMBERS = range(10_000)
SHORTEST_RUN = 3
MOST_TIMES = 6
"""So many times of the day are told one by one."""


def describe(schedule: Schedule, *, zone: tzinfo = UTC) -> str:
    """When the schedule's windows open: `at 16:00 UTC on days 1 and 15 of every month`."""
    clock = zone_name(zone)
    if isinstance(schedule, Rate):
        every = (
            f"every {schedule.unit.removesuffix('s')}"
            if schedule.value == 1
            else f"every {schedule.value} {schedule.unit}"
        )
        match schedule.unit:
            case Unit.MINUTES:
                return every
            case Unit.HOURS:
                return f"{every}, on the hour"
            case Unit.DAYS:
                return f"{every} at 00:00 {clock}"
    years = "" if schedule.years is None else f", in {_spans(schedule.years, _NUMBERS)} only"
    return f"{_times(schedule, clock=clock)} {_days(schedule)}{years}"


def _times(cron: Cron, *, clock: str) -> str:
    if len(cron.times) <= MOST_TIMES:
        times = (f"{hour:02}:{minute:02}" for hour in cron.hours for minute in cron.minutes)
        return f"at {_join(times)} {clock}"
    minutes = "every minute"
    if len(cron.minutes) < len(MINUTES_OF_AN_HOUR):
        noun = "minute" if len(cron.minutes) == 1 else "minutes"
        minutes = f"at {noun} {_spans(cron.minutes, _NUMBERS)}"
    if len(cron.hours) == HOURS_PER_DAY:
        return f"{minutes} of every hour ({clock})"
    noun = "hour" if len(cron.hours) == 1 else "hours"
    return f"{minutes} of {noun} {_spans(cron.hours, _NUMBERS)} ({clock})"


def _days(cron: Cron) -> str:
    every_month = len(cron.months) == len(MONTHS)
    months = _spans(cron.months, ["", *MONTHS])
    in_months = "" if every_month else f" in {months}"
    of_months = " of every month" if every_month else f" of {months}"
    match cron.days:
        case EveryDay():
            return f"every day{in_months}"
        case Weekdays(weekdays):
            return f"every {_spans(weekdays, ['', *WEEKDAYS])}{in_months}"
        case DaysOfMonth(days):
            noun = "day" if len(days) == 1 else "days"
            return f"on {noun} {_spans(days, _NUMBERS)}{of_months}"
        case LastDayOfMonth():
            return f"on the last day{of_months}"
        case LastWeekday(weekday):
            return f"on the last {WEEKDAYS[weekday - 1]}{of_months}"
        case NthWeekday(weekday, nth):
            return f"on the {ORDINALS[nth - 1]} {WEEKDAYS[weekday - 1]}{of_months}"


def _spans(values: Sequence[int], names: Sequence[str] | range) -> str:
    """The values by name, three or more in a row as `first to last`."""
    words: list[str] = []
    for _, group in groupby(enumerate(values), key=lambda item: item[1] - item[0]):
        run = [str(names[value]) for _, value in group]
        words += [f"{run[0]} to {run[-1]}"] if len(run) >= SHORTEST_RUN else run
    return _join(words)


def _join(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
