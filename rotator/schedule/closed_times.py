"""Closed times that a person writes down: ranges of every week, and dates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from rotator.schedule.errors import ScheduleError
from rotator.schedule.windows import Window
from rotator.schedule.zones import first_moment_at, last_moment_at, wall_time

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

_DAY = "(?:MON|TUE|WED|THU|FRI|SAT|SUN)"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_ON_DAYS = re.compile(
    rf"(?P<days>{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*)?(?: *(?P<first>{_TIME}) *- *(?P<last>{_TIME}))?"
)
_ACROSS = re.compile(rf"(?P<day>{_DAY}) +(?P<first>{_TIME}) *- *(?P<to>{_DAY}) +(?P<last>{_TIME})")
_ALLOWED_WEEKLY = (
    "days (SAT-SUN), times of days (MON-FRI 08:00-18:00, or 22:00-06:00 for every day) "
    "or one range (FRI 18:00 - MON 06:00)"
)
_ALLOWED_DATES = "a day (2026-12-24), days (2026-12-24 - 2027-01-02) or times (2026-12-24T18:00 - 2026-12-27T06:00)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyRange:
    """A range that comes every week.

    Attributes:
        begins: counted from the week's first moment, which is Monday's.
        lasts: by the clock; at most a week.
    """

    begins: timedelta
    lasts: timedelta
    zone: tzinfo

    def spans(self, start: datetime, end: datetime) -> Iterator[Window]:
        """Every span that has a moment in common with the one from `start` to before `end`."""
        first = wall_time(start, self.zone).date()
        week = datetime.combine(first - timedelta(days=first.weekday()), datetime.min.time()) - WEEK
        # A day more: the clock may be turned, and a zone's last day may be another one than UTC's.
        while first_moment_at(week, self.zone) < end + DAY:
            opens = week + self.begins
            span = _span(opens, opens + self.lasts, self.zone)
            if span.start < end and span.end > start:
                yield span
            week += WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """One range, by the clock of a zone: from `first` to before `last`."""

    first: datetime
    last: datetime
    zone: tzinfo

    def spans(self, start: datetime, end: datetime) -> Iterator[Window]:
        """The range, where it has a moment in common with the span from `start` to before `end`."""
        span = _span(self.first, self.last, self.zone)
        if span.start < end and span.end > start:
            yield span


def parse_weekly(text: str, *, zone: tzinfo) -> tuple[WeeklyRange, ...]:
    """The ranges that a text such as `MON-FRI 08:00-18:00` stands for, one for each of its days.

    Raises:
        ScheduleError: it is none.
    """
    given = text.strip().upper()
    if across := _ACROSS.fullmatch(given):
        begins = DAYS.index(across["day"]) * DAY + _time(across["first"])
        lasts = (DAYS.index(across["to"]) * DAY + _time(across["last"]) - begins) % WEEK
        return (WeeklyRange(begins=begins, lasts=lasts or WEEK, zone=zone),)
    found = _ON_DAYS.fullmatch(given)
    if not given or found is None:
        raise ScheduleError(
            f"{text!r} is no weekly range; allowed: {_ALLOWED_WEEKLY}", field="weekly", position=0
        )
    first, last = _time(found["first"] or "00:00"), _time(found["last"] or "24:00")
    lasts = last - first if last > first else last + DAY - first
    return tuple(
        WeeklyRange(begins=day * DAY + first, lasts=lasts, zone=zone)
        for day in _days(found["days"] or "MON-SUN")
    )


def parse_dates(text: str, *, zone: tzinfo) -> DateRange:
    """The range that a text such as `2026-12-24 - 2027-01-02` stands for; a day that ends it belongs to it.

    Raises:
        ScheduleError: it is none, or it ends before it begins.
    """
    found = _range(text)
    if found is None:
        raise ScheduleError(
            f"{text!r} is no date and no range of dates; allowed: {_ALLOWED_DATES}",
            field="dates",
            position=0,
        )
    first, last = found
    return DateRange(first=first, last=last, zone=zone)


def _range(text: str) -> tuple[datetime, datetime] | None:
    first, _, last = (part.strip() for part in text.partition(" - "))
    try:
        begin, end = _wall(first), _end(last or first)
    except (ValueError, OverflowError):
        return None
    return (begin, end) if begin < end else None


def _span(first: datetime, last: datetime, zone: tzinfo) -> Window:
    # Where the clock shows an end twice, what lies between is closed too: the side on which nobody is surprised.
    return Window(first_moment_at(first, zone), last_moment_at(last, zone))


def _days(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = DAYS.index(first)
        many = (DAYS.index(last or first) - begin) % len(DAYS) + 1
        yield from ((begin + number) % len(DAYS) for number in range(many))


def _time(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _end(text: str) -> datetime:
    return _wall(text) + (DAY if _is_day(text) else timedelta())


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _wall(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)  # the calendar has a zone; two would be one too many
    return found
