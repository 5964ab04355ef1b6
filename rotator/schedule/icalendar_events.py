"""Closed times out of an iCalendar file (RFC 5545): every event closes its time.

An event counts also where it is marked as free (TRANSP:TRANSPARENT), as calendars of public holidays are; a cancelled
one does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]

from rotator.schedule.errors import ScheduleError
from rotator.schedule.windows import Window
from rotator.schedule.zones import first_moment_at, last_moment_at

DAY = timedelta(days=1)
_EVERY_HOUR = (
    24  # occurrences a day: where there are more it takes minutes to find those of one week
)
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY"})
_TIMES_OF_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events of an iCalendar file.

    Attributes:
        zone: whose clock days, and times without a zone of their own, go by.
    """

    calendar: icalendar.Calendar = field(repr=False)
    zone: tzinfo

    def spans(self, start: datetime, end: datetime) -> Iterator[Window]:
        """Every event's span that has a moment in common with the one from `start` to before `end`."""
        # A day more on both sides: days and times without a zone are read by another clock than this one's.
        found = recurring_ical_events.of(self.calendar).between(start - DAY, end + DAY)
        for event in found:
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            begins, ends = _clock_or_moment(event.start), _clock_or_moment(event.end)
            span = Window(
                first_moment_at(begins, self.zone) if begins.tzinfo is None else begins,
                last_moment_at(ends, self.zone) if ends.tzinfo is None else ends,
            )
            if span.start < end and span.end > start:
                yield span


def _clock_or_moment(at: date) -> datetime:
    """A moment in UTC; a day or a time without a zone as what a clock shows."""
    if not isinstance(at, datetime):
        return datetime.combine(at, datetime.min.time())
    return at if at.tzinfo is None else at.astimezone(UTC)


def parse_icalendar(text: str, *, zone: tzinfo) -> Events:
    """The events of an iCalendar file's text.

    Raises:
        ScheduleError: it is no calendar, or an event in it can't be read.
    """
    try:
        calendar = icalendar.Calendar.from_ical(text)
        _check_recurrence(calendar)
        events = Events(calendar=calendar, zone=zone)
        list(events.spans(datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 2, tzinfo=UTC)))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ScheduleError(
            f"it is no iCalendar file that can be read ({error}); allowed: a VCALENDAR with events (RFC 5545)",
            field="icalendar",
            position=0,
        ) from None
    return events


def _check_recurrence(calendar: icalendar.Calendar) -> None:
    """Nothing, where events come back every hour at the most.

    Raises:
        ValueError: one comes more often, or for ever at the same moment.
    """
    for event in calendar.walk("VEVENT"):
        for rule in _rules(event):
            interval = rule.get("INTERVAL", [1])
            if min(interval) < 1:
                raise ValueError("an event comes back after an INTERVAL of 0")
            a_day = _EVERY_HOUR if "HOURLY" in rule.get("FREQ", []) else 1
            for part in _TIMES_OF_DAY[a_day > 1 :]:
                a_day *= len(rule.get(part, [0]))
            if a_day > _EVERY_HOUR or not _TOO_OFTEN.isdisjoint(rule.get("FREQ", [])):
                raise ValueError("an event comes back more often than every hour")


def _rules(event: icalendar.cal.Component) -> Iterator[icalendar.vRecur]:
    for name in ("RRULE", "EXRULE"):
        given = event.get(name, [])
        yield from given if isinstance(given, list) else [given]
