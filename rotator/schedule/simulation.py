"""What would rotate when: due times played forward, each rotation succeeding at its planned moment. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from heapq import merge
from operator import attrgetter

from rotator.schedule.due import Due, Timetable, next_due
from rotator.schedule.windows import Window

MOST_ROTATIONS = 100_000
"""Of one secret; a rate of minutes over years would never end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A secret that rotates by itself.

    Attributes:
        target: what its rotations change, by name.
        anchor: what a rate counts from.
        first: its next rotation, as it is planned; None where it has none.
    """

    name: str
    target: str
    timetable: Timetable
    anchor: datetime
    first: Due | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One rotation that is to come."""

    at: datetime
    secret: str
    target: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """Rotations of one target that are planned for one minute."""

    at: datetime
    target: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Windows of a secret that blackouts leave no moment in."""

    secret: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is to come.

    Attributes:
        days: rotations of each day in UTC on which there are any, by target.
        peaks: the fullest hours, the fullest first, with their rotations.
        closed: secrets with windows that are passed over.
        without_window: secrets that have a schedule and no window in the time that was looked at.
    """

    events: tuple[Event, ...]
    days: dict[date, dict[str, int]]
    collisions: tuple[Collision, ...]
    peaks: tuple[tuple[datetime, int], ...]
    closed: tuple[Closed, ...]
    without_window: tuple[str, ...]


def simulate(
    secrets: Iterable[Planned], *, start: datetime, end: datetime, most_peaks: int = 5
) -> Forecast:
    """The rotations from `start` to before `end`, where each succeeds at its planned moment."""
    closed: list[Closed] = []
    without: list[str] = []
    streams: list[list[Event]] = []
    for secret in secrets:
        found = list(_dues(secret, start=start, end=end))
        passed = tuple(
            window for due in found for window in due.passed_over if start <= window.start < end
        )
        happening = [due for due in found if due.moment < end]
        if passed:
            closed.append(Closed(secret=secret.name, windows=passed))
        if not happening:
            without.append(secret.name)
        streams.append([_event(secret, due) for due in happening])
    events = tuple(merge(*streams, key=attrgetter("at", "secret")))
    return Forecast(
        events=events,
        days=_by_day(events),
        collisions=tuple(_collisions(events)),
        peaks=_peaks(events, most=most_peaks),
        closed=tuple(closed),
        without_window=tuple(without),
    )


def _dues(secret: Planned, *, start: datetime, end: datetime) -> Iterator[Due]:
    """The secret's rotations in order, and the one after the end, which tells of windows that are passed over."""
    due = secret.first
    for _ in range(MOST_ROTATIONS):
        if due is None:
            return
        if due.moment < start:  # overdue: it starts as soon as somebody is there to start it
            due = Due(window=due.window, moment=start, passed_over=due.passed_over)
        yield due
        if due.moment >= end:
            return
        # As at the end of a rotation: a rate counts from it, and the next window opens after it.
        due = next_due(secret.timetable, after=due.moment, anchor=due.moment)


def _event(secret: Planned, due: Due) -> Event:
    return Event(
        at=due.moment,
        secret=secret.name,
        target=secret.target,
        start=due.window.start,
        end=due.window.end,
    )


def _by_day(events: Iterable[Event]) -> dict[date, dict[str, int]]:
    days: dict[date, dict[str, int]] = {}
    for event in events:
        of_day = days.setdefault(event.at.date(), {})
        of_day[event.target] = of_day.get(event.target, 0) + 1
    return days


def _collisions(events: Iterable[Event]) -> Iterator[Collision]:
    together: dict[tuple[datetime, str], list[str]] = {}
    for event in events:
        minute = event.at.replace(second=0, microsecond=0)
        together.setdefault((minute, event.target), []).append(event.secret)
    for (at, target), secrets in together.items():
        if len(secrets) > 1:
            yield Collision(at=at, target=target, secrets=tuple(secrets))


def _peaks(events: Iterable[Event], *, most: int) -> tuple[tuple[datetime, int], ...]:
    hours = Counter(event.at.replace(minute=0, second=0, microsecond=0) for event in events)
    fullest = sorted(hours.items(), key=lambda item: (-item[1], item[0]))
    return tuple(fullest[:most])
