"""A schedule in English words."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rotator.schedule.expression import (
    Cron,
    DaysOfMonth,
    EveryDay,
    LastDayOfMonth,
    LastWeekday,
    NthWeekday,
    Rate,
    Schedule,
    Weekdays,
)

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
SHORTEST_RUN = 3


def describe(schedule: Schedule) -> str:
    """When the schedule's windows open: `at 16:00 UTC on days 1 and 15 of every month`."""
    if isinstance(schedule, Rate):
        every = (
            f"every {schedule.unit.removesuffix('s')}"
            if schedule.value == 1
            else f"every {schedule.value} {schedule.unit}"
        )
        return f"{every}, on the hour" if schedule.in_hours else f"{every} at 00:00 UTC"
    hours = _join(f"{hour:02}:00" for hour in schedule.hours)
    return f"at {hours} UTC {_days(schedule)}"


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
            return f"on {noun} {_spans(days, [str(day) for day in range(32)])}{of_months}"
        case LastDayOfMonth():
            return f"on the last day{of_months}"
        case LastWeekday(weekday):
            return f"on the last {WEEKDAYS[weekday - 1]}{of_months}"
        case NthWeekday(weekday, nth):
            return f"on the {ORDINALS[nth - 1]} {WEEKDAYS[weekday - 1]}{of_months}"


def _spans(values: Sequence[int], names: Sequence[str]) -> str:
    """The values by name, three or more in a row as `first to last`."""
    words: list[str] = []
    for _, group in groupby(enumerate(values), key=lambda item: item[1] - item[0]):
        run = [names[value] for _, value in group]
        words += [f"{run[0]} to {run[-1]}"] if len(run) >= SHORTEST_RUN else run
    return _join(words)


def _join(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
