"""The length of a rotation window.

From AWS's page "Rotation schedules": by default a window closes after one hour for a schedule in
hours, and at the end of the UTC day for a schedule in days. It must not extend into the next window
or the next UTC day.
"""

import re
from datetime import timedelta
from itertools import pairwise

from rotator.schedule.errors import ScheduleError
from rotator.schedule.expression import HOURS_PER_DAY, Rate, Schedule

HOUR = timedelta(hours=1)

_DURATION = re.compile(r"([0-9]{1,2})h")


def parse_duration(text: str | None, schedule: Schedule) -> timedelta:
    """The length of the schedule's windows: that of a text such as `3h`, AWS's default for None.

    Raises:
        ScheduleError: the text isn't a number of hours and `h`, or a window so long would be too
            long for the schedule.

    """
    if text is None:
        return HOUR if schedule.in_hours else longest_duration(schedule)
    hours = _DURATION.fullmatch(text)
    if hours is None:
        raise ScheduleError(
            f"{text!r} is not a number of hours; write it like 3h for three hours",
            field="duration",
            position=0,
        )
    return check_duration(int(hours[1]) * HOUR, schedule)


def check_duration(duration: timedelta, schedule: Schedule) -> timedelta:
    """The duration itself, where every window of the schedule can be so long.

    Raises:
        ScheduleError: it is below one hour, or some window would extend into the next one or into
            the next UTC day.

    """
    longest = longest_duration(schedule)
    if not HOUR <= duration <= longest:
        raise ScheduleError(
            f"a window of {duration / HOUR:g}h is not possible with {schedule}: it must not extend "
            f"into the next window or the next UTC day; allowed: 1h to {longest // HOUR}h",
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
        return min(schedule.period, HOURS_PER_DAY * HOUR)
    return (
        min(later - earlier for earlier, later in pairwise((*schedule.hours, HOURS_PER_DAY))) * HOUR
    )
