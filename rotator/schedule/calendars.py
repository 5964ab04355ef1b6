"""Blackouts: named calendars of times in which nothing scheduled starts. Pure: an iCalendar file comes in as text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from operator import attrgetter
from typing import Protocol

from rotator.schedule.closed_times import parse_dates, parse_weekly
from rotator.schedule.windows import Window
from rotator.schedule.zones import zone_named


class Closing(Protocol):
    """Something that closes spans of time."""

    def spans(self, start: datetime, end: datetime) -> Iterable[Window]:
        """Every closed span that has a moment in common with the one from `start` to before `end`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A named calendar.

    Attributes:
        tags: the secrets that it is for have all of these; without any it is for all.
    """

    name: str
    closings: tuple[Closing, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    def applies_to(self, tags: Mapping[str, str]) -> bool:
        """Whether it is for a secret with these tags."""
        return self.tags.items() <= tags.items()


@dataclass(frozen=True, slots=True)
class Blackouts:
    """The calendars of one secret."""

    calendars: tuple[Calendar, ...] = ()

    def closed(self, window: Window) -> list[Window]:
        """The closed spans that touch a window: in order, apart from each other, not cut at the window's ends."""
        found = [
            span
            for calendar in self.calendars
            for closing in calendar.closings
            for span in closing.spans(window.start, window.end)
        ]
        return _joined(found)


def make_calendar(
    name: str,
    *,
    weekly: Sequence[str] = (),
    dates: Sequence[str] = (),
    icalendar: str | None = None,
    timezone: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Calendar:
    """A calendar as a configuration gives it.

    Args:
        weekly: ranges that come every week, such as `SAT-SUN`, `MON-FRI 08:00-18:00`, `FRI 18:00 - MON 06:00`.
        dates: days or ranges, such as `2026-12-24`, `2026-12-24 - 2027-01-02`, `2026-12-24T18:00 - 2026-12-27T06:00`.
        icalendar: the text of an iCalendar file.
        timezone: of all times that have none of their own; UTC for None.

    Raises:
        ScheduleError: one of them can't be read; its field is the parameter's name.
    """
    zone = zone_named(timezone)
    closings: list[Closing] = [
        *(closing for text in weekly for closing in parse_weekly(text, zone=zone)),
        *(parse_dates(text, zone=zone) for text in dates),
    ]
    if icalendar is not None:
        closings.append(_events(icalendar, zone))
    return Calendar(name=name, closings=tuple(closings), tags=dict(tags or {}))


def open_spans(window: Window, closed: Iterable[Window]) -> list[Window]:
    """What of a window is not closed, in order; `closed` is in order and apart."""
    found = []
    start = window.start
    for span in closed:
        if span.start > start:
            found.append(Window(start, min(span.start, window.end)))
        start = max(start, span.end)
    if start < window.end:
        found.append(Window(start, window.end))
    return [span for span in found if span.start < span.end]


def _events(text: str, zone: tzinfo) -> Closing:
    from rotator.schedule.icalendar_events import (
        parse_icalendar,  # slow to import, and few have such a file
    )

    return parse_icalendar(text, zone=zone)


def _joined(spans: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for span in sorted(spans, key=attrgetter("start")):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined
