"""When a secret rotates next: the window and the moment in it, around blackouts, and after what was missed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from rotator.model.rules import Missed
from rotator.schedule.calendars import Blackouts, open_spans
from rotator.schedule.duration import parse_duration
from rotator.schedule.expression import Schedule
from rotator.schedule.windows import Window, next_window, planned_moment, window_at

MOST_CLOSED = 400
"""So many windows without an allowed moment are passed over; then it is said that there is none."""

_LONGEST_WINDOW = timedelta(hours=26)  # a day on which the clock is put back
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """By what a secret rotates.

    Attributes:
        duration: of its windows, None for the default.
        zone: whose clock and days count.
        key: what the moment within a window is spread by: the secret's ARN.
        blackouts: its calendars.
    """

    schedule: Schedule
    duration: timedelta | None
    zone: tzinfo = UTC
    key: str
    blackouts: Blackouts = field(default_factory=Blackouts)

    def next_window(self, *, after: datetime, anchor: datetime) -> Window | None:
        """The first window that opens strictly after a moment; None where the years are over."""
        return next_window(
            self.schedule, after=after, anchor=anchor, duration=self.duration, zone=self.zone
        )

    def window_at(self, moment: datetime, *, anchor: datetime) -> Window | None:
        """The window that is open at a moment, None where none is."""
        return window_at(
            self.schedule, moment=moment, anchor=anchor, duration=self.duration, zone=self.zone
        )

    def moment_in(self, window: Window, *, not_before: datetime | None = None) -> datetime | None:
        """The planned moment in a window; None where blackouts leave none."""
        return allowed_moment(
            window, key=self.key, closed=self.blackouts.closed(window), not_before=not_before
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a secret rotates next.

    Attributes:
        moment: the planned one, within the window.
        passed_over: windows before it in which blackouts leave no moment.
        catches_up: the window is no regular one: it makes up for one that was missed.
    """

    window: Window
    moment: datetime
    passed_over: tuple[Window, ...] = ()
    catches_up: bool = False


def allowed_moment(
    window: Window, *, key: str, closed: Sequence[Window], not_before: datetime | None = None
) -> datetime | None:
    """The planned moment in a window, outside of closed spans; None where there is none.

    A moment that is closed moves on into the next open span of the window, or, where none follows, back into the last
    one; there it is spread anew, so that those who were moved don't meet at its beginning. Others stay where they are.

    Args:
        closed: in order and apart from each other.
        not_before: what lies before is over.
    """
    rest = window if not_before is None else replace(window, start=max(window.start, not_before))
    spans = open_spans(rest, closed) if rest.start < rest.end else []
    planned = planned_moment(window, key=key)
    for span in spans:
        if planned < span.start:
            return planned_moment(span, key=f"{key} moved")
        if planned < span.end:
            return planned
    return planned_moment(spans[-1], key=f"{key} moved") if spans else None


def next_due(timetable: Timetable, *, after: datetime, anchor: datetime) -> Due | None:
    """The first window after a moment that has an allowed moment.

    None where the expression's years are over, or where blackouts close every window: more than a year's worth of
    daily ones were looked at.
    """
    passed_over: list[Window] = []
    while len(passed_over) < MOST_CLOSED:
        window = timetable.next_window(after=after, anchor=anchor)
        if window is None:
            return None
        moment = timetable.moment_in(window)
        if moment is not None:
            return Due(window=window, moment=moment, passed_over=tuple(passed_over))
        passed_over.append(window)
        after = _after_closed(timetable, window)
    return None


def due_anew(
    timetable: Timetable, stored: Window | None, *, now: datetime, anchor: datetime
) -> Due | None:
    """When it is due where something that the stored window was worked out from has changed.

    A window that is open now takes the place of the stored one where it begins nearer to it than the next one does:
    else it was that of an earlier rotation, which has had its turn.
    """
    standing = None if stored is None else timetable.window_at(now, anchor=anchor)
    if stored is None or standing is None:
        return next_due(timetable, after=now, anchor=anchor)
    following = timetable.next_window(after=now, anchor=anchor)
    if following is not None and (
        abs(following.start - stored.start) < abs(standing.start - stored.start)
    ):
        return next_due(timetable, after=now, anchor=anchor)
    return _due_in(timetable, standing, now=now, anchor=anchor)


def due_after_missing(
    timetable: Timetable,
    *,
    now: datetime,
    anchor: datetime,
    missed: Missed,
    catch_up: timedelta,
) -> Due | None:
    """When it is due where the stored window has closed and nobody was there to start the rotation.

    Args:
        missed: what becomes of it; AUTO waits where the windows have an explicit duration.
        catch_up: the length of the window in which missed rotations are made up for, spread out.
    """
    standing = timetable.window_at(now, anchor=anchor)
    regular = (
        next_due(timetable, after=now, anchor=anchor)
        if standing is None
        else _due_in(timetable, standing, now=now, anchor=anchor)
    )
    waits = missed is Missed.WAIT or (missed is Missed.AUTO and timetable.duration is not None)
    if waits:
        return regular
    return _earlier(regular, _catching_up(timetable, now=now, catch_up=catch_up))


def _catching_up(timetable: Timetable, *, now: datetime, catch_up: timedelta) -> Due | None:
    start = now
    for _ in range(MOST_CLOSED):
        window = Window(start, start + catch_up)
        moment = timetable.moment_in(window)
        if moment is not None:
            return Due(window=window, moment=moment, catches_up=True)
        start = timetable.blackouts.closed(window)[-1].end
    return None


def _earlier(one: Due | None, other: Due | None) -> Due | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda due: due.moment)


def _due_in(timetable: Timetable, window: Window, *, now: datetime, anchor: datetime) -> Due | None:
    """Due in a window that is open, or in a later one where what is left of it is closed."""
    moment = timetable.moment_in(window, not_before=now)
    if moment is not None:
        return Due(window=window, moment=moment)
    later = next_due(timetable, after=window.start, anchor=anchor)
    return None if later is None else replace(later, passed_over=(window, *later.passed_over))


def _after_closed(timetable: Timetable, window: Window) -> datetime:
    """After which moment the next window may be open: where a blackout lasts for long, its windows are skipped."""
    closed_until = timetable.blackouts.closed(window)[-1].end
    length = timetable.duration or _LONGEST_WINDOW
    if not timetable.schedule.in_days:
        length = timetable.duration or parse_duration(None, timetable.schedule)
    return max(window.start, closed_until - length - _MOMENT)
