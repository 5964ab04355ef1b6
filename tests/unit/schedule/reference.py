"""A second reading of AWS's cron dialect, to hold croniter's answers against.

It shares no code with the room: day by day, it asks the expression's text whether it matches.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
CYCLE = timedelta(days=28 * 366)
"""In 28 years from 2000 each weekday meets each date of a common and of a leap year."""


def openings(expression: str, *, after: datetime) -> Iterator[datetime]:
    """Every opening strictly after a moment, in order."""
    for day in _days_from(after.date()):
        if not opens_on(expression, day):
            continue
        for hour in range(24):
            moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if moment > after and _matches(_fields(expression)[1], hour, 0, 23):
                yield moment


def openings_by_minute(
    expression: str, *, after: datetime, until: datetime, zone: tzinfo
) -> Iterator[datetime]:
    """Every opening after a moment and before another, found by looking at the clock minute by minute.

    An opening is where the clock shows, for the first time, a matching time or one after it.
    """
    # What the clock has shown before: it is never put back by more than a day.
    moment = _minute(after) - timedelta(days=1)
    latest = _clock(moment, zone)
    while (moment := moment + timedelta(minutes=1)) < until:
        shows = _clock(moment, zone)
        reached = range(1, (shows - latest) // timedelta(minutes=1) + 1)
        latest = max(latest, shows)
        passed = (shows - timedelta(minutes=back - 1) for back in reached)
        if moment > after and any(matches(expression, time) for time in passed):
            yield moment


def matches(expression: str, time: datetime) -> bool:
    """Whether a window opens when the clock shows this time."""
    minutes, hours, *_, years = _fields(expression)
    return (
        _matches(minutes, time.minute, 0, 59)
        and _matches(hours, time.hour, 0, 23)
        and _matches(years, time.year, 1970, 2199)
        and opens_on(expression, time.date())
    )


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _clock(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def first_openings(expression: str, count: int, *, after: datetime) -> list[datetime]:
    return list(islice(openings(expression, after=after), count))


def ever_opens(expression: str) -> bool:
    """Whether some day between 2000 and 2028 matches."""
    first = date(2000, 1, 1)
    return any(opens_on(expression, first + timedelta(days=n)) for n in range(CYCLE.days))


def opens_on(expression: str, day: date) -> bool:
    _, _, day_of_month, month, day_of_week, _ = _fields(expression)
    if not _matches(_numbered(month, MONTHS), day.month, 1, 12):
        return False
    return _day_of_month_matches(day_of_month, day) and _day_of_week_matches(day_of_week, day)


def _fields(expression: str) -> list[str]:
    return expression.removeprefix("cron(").removesuffix(")").split(" ")


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


def _numbered(text: str, names: list[str]) -> str:
    for number, name in enumerate(names, start=1):
        text = text.replace(name, str(number))
    return text


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _is_last_week(day: date) -> bool:
    return day.day + 7 > calendar.monthrange(day.year, day.month)[1]


def _day_of_month_matches(text: str, day: date) -> bool:
    if text == "?":
        return True
    if text == "L":
        return (day + timedelta(days=1)).month != day.month
    if text.endswith("L"):
        return _is_last_week(day) and WEEKDAYS[_weekday(day) - 1] + "L" == text
    return _matches(text, day.day, 1, 31)


def _day_of_week_matches(text: str, day: date) -> bool:
    text = _numbered(text, WEEKDAYS)
    if text == "?":
        return True
    if text == "L":
        return _weekday(day) == 7
    if last := re.fullmatch(r"(\d)L", text):
        return _is_last_week(day) and _weekday(day) == int(last[1])
    if nth := re.fullmatch(r"(\d)#(\d)", text):
        return _weekday(day) == int(nth[1]) and (day.day - 1) // 7 + 1 == int(nth[2])
    return _matches(text, _weekday(day), 1, 7)


def _matches(text: str, value: int, low: int, high: int) -> bool:
    return any(_term_matches(term, value, low, high) for term in text.split(","))


def _term_matches(term: str, value: int, low: int, high: int) -> bool:
    span, _, step = term.partition("/")
    first, _, last = span.partition("-")
    if first in ("", "*"):
        first, last = str(low), str(high)
    end = int(last or (high if step else first))
    return int(first) <= value <= end and (value - int(first)) % int(step or 1) == 0
