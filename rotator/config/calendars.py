"""The setting `calendars`: times in which nothing scheduled starts, by name."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rotator.config.settings import CalendarSettings
from rotator.errors import ConfigurationError

if TYPE_CHECKING:
    from rotator.schedule import Calendar

_SHAPE = "calendars: {NAME: {weekly: […], dates: […], icalendar: FILE, timezone: ZONE, tags: {KEY: VALUE}}}"
_KEYS = ("weekly", "dates", "icalendar", "timezone", "tags")


def read_calendars(
    value: Any, *, key: str, path: Callable[[str, str], Path]
) -> tuple[CalendarSettings, ...]:
    """The calendars of a configuration, as they are written there.

    Args:
        value: what the YAML gives; text of an environment variable is YAML too.
        key: what messages begin with.
        path: gives the file that a text names, after its key.

    Raises:
        ConfigurationError: something can't be read; the message names it.
    """
    if isinstance(value, str):
        from rotator.config.yaml_file import parse

        value = parse(value, source=key)
    if value is None:
        return ()
    found = _mapping(value, key=key)
    return tuple(
        _calendar(name, _mapping(of_name, key=f"{key}.{name}"), key=f"{key}.{name}", path=path)
        for name, of_name in found.items()
    )


def load(settings: tuple[CalendarSettings, ...]) -> "tuple[Calendar, ...]":
    """The calendars themselves, with the events of their files.

    Raises:
        ConfigurationError: a file can't be read, or is no calendar.
    """
    return tuple(_made(calendar, icalendar=_text(calendar)) for calendar in settings)


def digest(settings: tuple[CalendarSettings, ...]) -> str:
    """Of all that says when blackouts are: the settings, the files, and the data of zones. Empty without calendars.

    Raises:
        ConfigurationError: a file can't be read.
    """
    if not settings:
        return ""
    from rotator.schedule import zone_digest

    said = [
        [
            calendar.name,
            calendar.weekly,
            calendar.dates,
            calendar.timezone and zone_digest(calendar.timezone),
            _text(calendar),
            dict(calendar.tags),
        ]
        for calendar in settings
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _calendar(
    name: object, given: Mapping[str, Any], *, key: str, path: Callable[[str, str], Path]
) -> CalendarSettings:
    for unknown in given.keys() - set(_KEYS):
        raise ConfigurationError(
            f"{key}.{unknown}: there is no such setting. There are: {', '.join(_KEYS)}."
        )
    file, timezone = given.get("icalendar"), given.get("timezone")
    calendar = CalendarSettings(
        name=str(name),
        weekly=_texts(given.get("weekly"), key=f"{key}.weekly"),
        dates=_texts(given.get("dates"), key=f"{key}.dates"),
        icalendar=None if file is None else path(str(file), f"{key}.icalendar"),
        timezone=None if timezone is None else str(timezone),
        tags={
            str(tag): str(value)
            for tag, value in _mapping(given.get("tags") or {}, key=f"{key}.tags").items()
        },
        key=key,
    )
    if not (calendar.weekly or calendar.dates or calendar.icalendar):
        raise ConfigurationError(f"{key}: nothing is closed. Give weekly, dates or icalendar.")
    _made(calendar, icalendar=None)
    return calendar


def _made(calendar: CalendarSettings, *, icalendar: str | None) -> "Calendar":
    from rotator.schedule import ScheduleError, make_calendar

    try:
        return make_calendar(
            calendar.name,
            weekly=calendar.weekly,
            dates=calendar.dates,
            icalendar=icalendar,
            timezone=calendar.timezone,
            tags=calendar.tags,
        )
    except ScheduleError as error:
        reason = error.message.removeprefix(f"{error.field}: ")
        raise ConfigurationError(f"{calendar.key}.{error.field}: {reason}.") from None


def _text(calendar: CalendarSettings) -> str | None:
    if calendar.icalendar is None:
        return None
    try:
        return calendar.icalendar.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            f"{calendar.key}.icalendar: the file {calendar.icalendar} can't be read: {reason}. Correct the path."
        ) from None


def _mapping(value: Any, *, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{key}: expected a section of the form {_SHAPE}.")
    return value


def _texts(value: Any, *, key: str) -> tuple[str, ...]:
    """One text or a list of them; YAML makes dates of what looks like one."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    for item in items:
        if not isinstance(item, str | date):
            raise ConfigurationError(f"{key}: expected a list of texts. Put quotes around each.")
    return tuple(item if isinstance(item, str) else item.isoformat() for item in items)
