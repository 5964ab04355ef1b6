"""Rotation windows: the next one, the one that is open, and the moment within it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from rotator.schedule.duration import check_duration, parse_duration
from rotator.schedule.expression import Cron, Rate, Schedule, Unit
from rotator.schedule.openings import next_opening
from rotator.schedule.zones import end_of_day, first_moment_at, wall_time

_LONGEST_TURN = timedelta(hours=2)
"""No clock is put back further."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span in which a secret may rotate, in aware UTC: from `start` up to but not at `end`."""

    start: datetime
    end: datetime


def next_window(
    schedule: Schedule,
    *,
    after: datetime,
    anchor: datetime,
    duration: timedelta | None,
    zone: tzinfo = UTC,
) -> Window | None:
    """The first window that opens strictly after a moment; None where the expression's years are over.

    A window that is open at that moment, or opens exactly then, is not it: see `window_at`.

    A cron expression's windows open at the times that it names, and the anchor plays no part. A
    rate's windows are counted from the anchor's own hour or day: with `rate(10 days)` and
    an anchor on the 3rd at 17:20 they open at midnight of the 13th, the 23rd and so on; with
    `rate(4 hours)` and an anchor at 17:20 they open at 21:00, 01:00 and so on. AWS: "windows always
    start on the hour", those of a rate in days at midnight; of the first one for a rate in hours
    its pages say different things. Counted from the hour's beginning, default windows keep their
    hours wherever in them the secret rotates. A rate in minutes counts from the anchor's minute.

    Days are those of the zone, and hours of a rate are hours, whatever the clock shows. A window ends when its
    duration is over, when the zone's day ends or when the next one opens, whichever comes first.

    Args:
        schedule: what `parse_schedule` gave.
        after: an aware moment.
        anchor: an aware moment: the last rotation (a manual change of the value counts), or else
            when the rules were set.
        duration: what `parse_duration` gave; None is the default.
        zone: whose clock and days the schedule goes by.

    Raises:
        ScheduleError: the duration is too short or too long for the schedule.
        ValueError: a moment has no time zone.

    """
    length = None if duration is None else check_duration(duration, schedule)
    start = _next_start(schedule, after=_utc(after), anchor=_utc(anchor), zone=zone)
    if start is None:
        return None
    ends = [end_of_day(start, zone)]
    if length is not None or not schedule.in_days:
        ends.append(start + (length or parse_duration(None, schedule)))
    if zone is not UTC and isinstance(schedule, Cron):
        following = next_opening(schedule, after=start, zone=zone)
        ends += [] if following is None else [following]
    return Window(start, min(ends))


def windows(
    schedule: Schedule,
    *,
    after: datetime,
    anchor: datetime,
    duration: timedelta | None,
    zone: tzinfo = UTC,
) -> Iterator[Window]:
    """All windows that open after a moment, in order; the rest as for `next_window`."""
    while True:
        window = next_window(schedule, after=after, anchor=anchor, duration=duration, zone=zone)
        if window is None:
            return
        yield window
        after = window.start


def window_at(
    schedule: Schedule,
    *,
    moment: datetime,
    anchor: datetime,
    duration: timedelta | None,
    zone: tzinfo = UTC,
) -> Window | None:
    """The window that is open at a moment, or None; the rest as for `next_window`."""
    length = parse_duration(None, schedule) if duration is None else duration
    before = moment - length - (timedelta() if zone is UTC else _LONGEST_TURN)
    for window in windows(schedule, after=before, anchor=anchor, duration=duration, zone=zone):
        if window.end > moment:
            return window if window.start <= moment else None
    return None


def planned_moment(window: Window, *, key: str) -> datetime:
    """The moment within the window at which the secret with this key should rotate, to the second.

    It is the same whenever it is asked for, and spread evenly over keys, so that secrets on one
    schedule don't all rotate at once. It is never before the window's start nor at or after its
    end.
    """
    fraction = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    seconds = int((window.end - window.start).total_seconds())
    return window.start + timedelta(seconds=seconds * fraction >> 64)


def _next_start(
    schedule: Schedule, *, after: datetime, anchor: datetime, zone: tzinfo
) -> datetime | None:
    if not isinstance(schedule, Rate):
        return next_opening(schedule, after=after, zone=zone)
    if schedule.in_days:
        return _next_day(schedule, after=after, anchor=anchor, zone=zone)
    origin = anchor.astimezone(zone).replace(second=0, microsecond=0)
    if schedule.unit is Unit.HOURS:
        origin = origin.replace(minute=0)
    origin = origin.astimezone(UTC)
    periods = max(1, (after - origin) // schedule.period + 1)
    return origin + periods * schedule.period


def _next_day(rate: Rate, *, after: datetime, anchor: datetime, zone: tzinfo) -> datetime:
    origin = wall_time(anchor, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    periods = max(1, (wall_time(after, zone) - origin) // rate.period)
    while (start := first_moment_at(origin + periods * rate.period, zone)) <= after:
        periods += 1
    return start


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone can't be placed in a schedule")
    return moment.astimezone(UTC)
