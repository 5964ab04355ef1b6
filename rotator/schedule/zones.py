"""Time zones: what the local clock shows, and when it first shows it.

A zone's clock is turned twice a year or more. One rule covers both ways: a local time counts as reached at the first
moment at which the clock has shown it *or a later one*. So a time that doesn't exist, because the clock is put forward
over it, comes at the moment when the clock is turned; and a time that comes twice, because the clock is put back, comes
once, the first time.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from importlib.resources import files
from pathlib import Path

from rotator.model.rules import Limits
from rotator.schedule.errors import ScheduleError

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def zone_named(name: str | None, *, limits: Limits = Limits.WIDE) -> tzinfo:
    """The zone with an IANA name such as `Europe/Berlin`; UTC for None.

    Raises:
        ScheduleError: there is no such zone, or AWS's limits hold, whose schedules are in UTC.
    """
    if name is None or name == "UTC":
        return UTC
    if limits is Limits.AWS:
        raise ScheduleError("schedules are in UTC; allowed: UTC", field="timezone", position=0)
    from zoneinfo import ZoneInfo  # most schedules are in UTC

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ScheduleError(
            f"there is no time zone {name!r}; allowed: a name of the IANA time zone database, such as UTC, "
            "Europe/Berlin or America/New_York",
            field="timezone",
            position=0,
        ) from None


def zone_digest(name: str) -> str:
    """Of the data that the zone database has about a zone: another one where its rules were changed.

    Raises:
        ScheduleError: there is no such zone.
    """
    import hashlib
    import zoneinfo

    zone_named(name)  # checks the name: it becomes a path
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            data = path.read_bytes()
            break
    else:
        package, _, file = f"tzdata/zoneinfo/{name}".replace("/", ".").rpartition(".")
        data = (files(package) / file).read_bytes()
    return hashlib.sha256(data).hexdigest()[:16]


def zone_name(zone: tzinfo) -> str:
    """What `zone_named` finds the zone by."""
    return "UTC" if zone is UTC else str(zone)


def wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """What the zone's clock shows at an aware moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def first_moment_at(wall: datetime, zone: tzinfo) -> datetime:
    """The first moment, in UTC, at which the zone's clock has reached a time, which has no zone of its own."""
    if zone is UTC:
        return wall.replace(tzinfo=UTC)
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_time(moment, zone) == wall:
        return moment
    # The time doesn't exist: by the offset after the change it lies before the change, by the one before it, after.
    return _turning(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, wall, zone)


def last_moment_at(wall: datetime, zone: tzinfo) -> datetime:
    """The last moment, in UTC, at which the zone's clock shows a time; where it never does, as `first_moment_at`."""
    if zone is UTC:
        return wall.replace(tzinfo=UTC)
    moment = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return moment if wall_time(moment, zone) == wall else first_moment_at(wall, zone)


def end_of_day(moment: datetime, zone: tzinfo) -> datetime:
    """The first moment of the next day in the zone, in UTC."""
    midnight = wall_time(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return first_moment_at(midnight + DAY, zone)


def _turning(before: datetime, after: datetime, wall: datetime, zone: tzinfo) -> datetime:
    """The moment, to the second, at which the clock jumps over a time."""
    while (seconds := (after - before) // SECOND) > 1:
        middle = before + seconds // 2 * SECOND
        if wall_time(middle, zone) >= wall:
            after = middle
        else:
            before = middle
    return after
