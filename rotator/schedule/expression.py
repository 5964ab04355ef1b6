"""The parsed expressions: when their windows open, and their canonical text."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HOURS_PER_DAY = 24


class Unit(StrEnum):
    """The unit of a `rate()` expression."""

    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Rate:
    """`rate(value unit)`: a window every so many hours or days, counted from the last rotation."""

    value: int
    unit: Unit

    @property
    def period(self) -> timedelta:
        """The time from the opening of one window to the opening of the next."""
        return timedelta(hours=self.value) if self.in_hours else timedelta(days=self.value)

    @property
    def in_hours(self) -> bool:
        """Whether it is, in AWS's words, a schedule in hours; the default window is then 1 h."""
        return self.unit is Unit.HOURS

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.value == 1 else self.unit
        return f"rate({self.value} {unit})"


@dataclass(frozen=True, slots=True)
class EveryDay:
    """Every day of the schedule's months."""


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """Days of the month by number, 1 to 31, ascending; a month that lacks one skips it."""

    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastDayOfMonth:
    """The 28th to the 31st, whichever ends the month."""


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Days of the week in AWS's numbering, 1 (Sunday) to 7 (Saturday), ascending."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The nth (1 to 5) such weekday of the month, 1 being Sunday.

    A month without a fifth one is skipped.
    """

    weekday: int
    nth: int


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """The last such weekday of the month, 1 being Sunday."""

    weekday: int


Days = EveryDay | DaysOfMonth | LastDayOfMonth | Weekdays | NthWeekday | LastWeekday


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """`cron(0 hours day-of-month month day-of-week *)`: windows at UTC hours of certain days.

    Attributes:
        text: the canonical expression: one space between fields, names in capitals, no leading
            zeros.
        hours: the hours at which a window opens, ascending, the same every day.
        months: the months, 1 to 12, ascending.
        days: which days of those months.

    """

    text: str
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: Days

    @property
    def in_hours(self) -> bool:
        """Whether it is, in AWS's words, a schedule in hours: it has several windows a day."""
        return len(self.hours) > 1

    def __str__(self) -> str:
        return self.text


Schedule = Rate | Cron
