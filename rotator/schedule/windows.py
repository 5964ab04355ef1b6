"""Rotation windows: the next one, the one that is open, and the moment within it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rotator.schedule.duration import check_duration, parse_duration
from rotator.schedule.expression import Rate, Schedule
from rotator.schedule.openings import next_opening

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A span in which a secret may rotate, in aware UTC: from `start` up to but not at `end`."""

    start: datetime
    end: datetime


def next_window(
    schedule: Schedule, *, after: datetime, anchor: datetime, duration: timedelta | None
) -> Window:
    """The first window that opens strictly after a moment.

    A window that is open at that moment, or opens exactly then, is not it: see `window_at`.

    A cron expression's windows open at the hours that it names, and the anchor plays no part. A
    rate's windows are counted from the anchor's own UTC hour or UTC day: with `rate(10 days)` and
    an anchor on the 3rd at 17:20 they open at midnight of the 13th, the 23rd and so on; with
    `rate(4 hours)` and an anchor at 17:20 they open at 21:00, 01:00 and so on. AWS: "windows always
    start on the hour", those of a rate in days at midnight; of the first one for a rate in hours
    its pages say different things. Counted from the hour's beginning, default windows keep their
    hours wherever in them the secret rotates.

    Args:
        schedule: what `parse_schedule` gave.
        after: an aware moment.
        anchor: an aware moment: the last rotation (a manual change of the value counts), or else
            when the rules were set.
        duration: what `parse_duration` gave; None is AWS's default.

    Raises:
        ScheduleError: the duration is too short or too long for the schedule.
        ValueError: a moment has no time zone.

    """
    length = (
        parse_duration(None, schedule) if duration is None else check_duration(duration, schedule)
    )
    start = _next_start(schedule, after=_utc(after), anchor=_utc(anchor))
    end_of_day = start.replace(hour=0) + DAY
    return Window(start, min(start + length, end_of_day))


def window_at(
    schedule: Schedule, *, moment: datetime, anchor: datetime, duration: timedelta | None
) -> Window | None:
    """The window that is open at a moment, or None; the rest as for `next_window`."""
    length = parse_duration(None, schedule) if duration is None else duration
    # Windows don't overlap: only the first to open after `moment - length` can still be open.
    window = next_window(schedule, after=moment - length, anchor=anchor, duration=duration)
    return window if window.start <= moment < window.end else None


def planned_moment(window: Window, *, key: str) -> datetime:
    """The moment within the window at which the secret with this key should rotate, to the second.

    It is the same whenever it is asked for, and spread evenly over keys, so that secrets on one
    schedule don't all rotate at once. It is never before the window's start nor at or after its
    end.
    """
    fraction = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    seconds = int((window.end - window.start).total_seconds())
    return window.start + timedelta(seconds=seconds * fraction >> 64)


def _next_start(schedule: Schedule, *, after: datetime, anchor: datetime) -> datetime:
    if not isinstance(schedule, Rate):
        return next_opening(schedule, after=after)
    origin = anchor.replace(minute=0, second=0, microsecond=0)
    if not schedule.in_hours:
        origin = origin.replace(hour=0)
    periods = max(1, (after - origin) // schedule.period + 1)
    return origin + periods * schedule.period


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone can't be placed in a schedule")
    return moment.astimezone(UTC)
