"""The length of a rotation window.

From AWS's page "Rotation schedules": by default a window closes after one hour for a schedule in
hours, and at the end of the UTC day for a schedule in days. It must not extend into the next window
or the next UTC day. In the wider dialect a window may be minutes long, and where windows open more
often than once an hour the default is the time from one to the next.
"""

import re
from datetime import timedelta
from itertools import pairwise

from rotator.model.rules import Limits
from rotator.schedule.errors import ScheduleError
from rotator.schedule.expression import Rate, Schedule

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_HOURS = re.compile(r"(?P<hours>[0-9]{1,2})h")
_HOURS_AND_MINUTES = re.compile(r"(?P<hours>[0-9]{1,2})h((?P<minutes>[0-9]{1,2})m)?")
_MINUTES = re.compile(r"(?P<minutes>[0-9]{1,4})m")


def parse_duration(
    text: str | None, schedule: Schedule, *, limits: Limits = Limits.WIDE
) -> timedelta:
    """The length of the schedule's windows: that of a text such as `3h` or `90m`, the default for None.

    Raises:
        ScheduleError: the text is no length of time within these limits, or a window so long would be too
            long for the schedule.

    """
    if text is None:
        longest = longest_duration(schedule)
        return longest if schedule.in_days else min(HOUR, longest)
    forms = (_HOURS,) if limits is Limits.AWS else (_HOURS_AND_MINUTES, _MINUTES)
    found = next(filter(None, (form.fullmatch(text) for form in forms)), None)
    if found is None:
        how = "3h for three hours" + ("" if limits is Limits.AWS else ", or 90m, or 1h30m")
        raise ScheduleError(
            f"{text!r} is not the length of a window; write it like {how}",
            field="duration",
            position=0,
        )
    parts = {unit: int(count) for unit, count in found.groupdict().items() if count is not None}
    return check_duration(timedelta(**parts), schedule, limits=limits)


def check_duration(
    duration: timedelta, schedule: Schedule, *, limits: Limits = Limits.WIDE
) -> timedelta:
    """The duration itself, where every window of the schedule can be so long.

    Raises:
        ScheduleError: it is too short, or some window would extend into the next one or into the next day.

    """
    shortest = HOUR if limits is Limits.AWS else MINUTE
    longest = longest_duration(schedule)
    if not shortest <= duration <= longest:
        day = "UTC day" if limits is Limits.AWS else "day"
        raise ScheduleError(
            f"a window of {shown(duration)} is not possible with {schedule}: it must not extend "
            f"into the next window or the next {day}; allowed: {shown(shortest)} to {shown(longest)}",
            field="duration",
            position=0,
        )
    return duration


def longest_duration(schedule: Schedule) -> timedelta:
    """The longest that every window of the schedule can be.

    A rate in hours may open a window at any hour; AWS holds it against the interval only, and so a
    window that meets midnight is cut there when it comes.
    """
    if isinstance(schedule, Rate):
        return min(schedule.period, DAY)
    return min(later - earlier for earlier, later in pairwise((*schedule.times, DAY)))


def shown(duration: timedelta) -> str:
    """A length of whole minutes as `parse_duration` reads it: `3h`, `90m` as `1h30m`."""
    hours, rest = divmod(duration, HOUR)
    minutes = rest // MINUTE
    return f"{hours}h" * bool(hours or not minutes) + f"{minutes}m" * bool(minutes)
