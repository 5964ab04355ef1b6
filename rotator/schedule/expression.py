"""The parsed expressions: when their windows open, and their canonical text."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HOURS_PER_DAY = 24


class Unit(StrEnum):
    """The unit of a `rate()` expression."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Rate:
    """`rate(value unit)`: a window every so many minutes, hours or days, counted from the last rotation."""

    value: int
    unit: Unit

    @property
    def period(self) -> timedelta:
        """The time from the opening of one window to the opening of the next."""
        return timedelta(**{str(self.unit): self.value})

    @property
    def in_days(self) -> bool:
        """Whether it is, in AWS's words, a schedule in days; the default window is then a day's rest."""
        return self.unit is Unit.DAYS

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
    """`cron(minutes hours day-of-month month day-of-week year)`: windows at times of certain days.

    Attributes:
        text: the canonical expression: one space between fields, names in capitals, no leading
            zeros.
        minutes: of each of the hours, ascending; AWS has 0 only.
        hours: the hours at which a window opens, ascending, the same every day.
        months: the months, 1 to 12, ascending.
        days: which days of those months.
        years: of which years, ascending; None: of all.

    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: Days
    years: tuple[int, ...] | None

    @property
    def in_days(self) -> bool:
        """Whether it is, in AWS's words, a schedule in days: it has one window a day at most."""
        return len(self.hours) * len(self.minutes) == 1

    @property
    def times(self) -> tuple[timedelta, ...]:
        """When windows open, counted from midnight, ascending."""
        return tuple(
            timedelta(hours=hour, minutes=minute) for hour in self.hours for minute in self.minutes
        )

    def __str__(self) -> str:
        return self.text


Schedule = Rate | Cron
