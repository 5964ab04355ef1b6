"""When a secret is due: around blackouts, after a change of what it was worked out from, after a missed window."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.model.rules import Missed
from rotator.schedule import (
    Blackouts,
    Due,
    Timetable,
    Window,
    due_after_missing,
    due_anew,
    make_calendar,
    next_due,
    parse_schedule,
    planned_moment,
    zone_named,
)
from rotator.schedule.due import allowed_moment

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
CATCH_UP = 15 * MINUTE


def timetable(
    expression: str, *, duration: timedelta | None = None, key: str = "db", **calendar: object
) -> Timetable:
    made = (make_calendar("freeze", **calendar),) if calendar else ()  # type: ignore[arg-type]
    return Timetable(
        schedule=parse_schedule(expression),
        duration=duration,
        key=key,
        blackouts=Blackouts(made),
    )


def due(found: Due | None) -> Due:
    assert found is not None
    return found


spans = st.tuples(st.integers(-3, 30), st.integers(1, 12)).map(
    lambda span: Window(MONDAY + span[0] * HOUR, MONDAY + (span[0] + span[1]) * HOUR)
)


def joined(found: list[Window]) -> list[Window]:
    """Spans of whole hours, in order and apart."""
    hours = [
        MONDAY + hour * HOUR
        for hour in range(-3, 43)
        if any(span.start <= MONDAY + hour * HOUR < span.end for span in found)
    ]
    apart: list[Window] = []
    for hour in hours:
        if apart and apart[-1].end == hour:
            apart[-1] = Window(apart[-1].start, hour + HOUR)
        else:
            apart.append(Window(hour, hour + HOUR))
    return apart


@given(st.lists(spans, max_size=4).map(joined), st.text(), st.integers(0, 24))
def test_the_moment_is_allowed(closed: list[Window], key: str, hour: int) -> None:
    """It lies in the window and in no blackout, stays where it is if it may, and is None only where nothing is left."""
    window = Window(MONDAY, MONDAY + DAY)
    not_before = MONDAY + hour * HOUR
    found = allowed_moment(window, key=key, closed=closed, not_before=not_before)
    left = [
        at
        for at in (MONDAY + number * HOUR for number in range(24))
        if at >= not_before and not any(span.start <= at < span.end for span in closed)
    ]
    assert (found is None) == (not left)
    if found is None:
        return
    assert found.replace(minute=0, second=0) in left
    planned = planned_moment(window, key=key)
    if planned.replace(minute=0, second=0) in left:
        assert found == planned
    elif any(at > planned for at in left):
        assert found > planned


def test_a_blackout_that_begins_at_the_moment_moves_it() -> None:
    """A closed span begins with its first moment, which is not allowed any more."""
    window = Window(MONDAY, MONDAY + DAY)
    planned = planned_moment(window, key="db")
    found = allowed_moment(window, key="db", closed=[Window(planned, planned + HOUR)])
    assert found is not None
    assert found >= planned + HOUR


def test_who_is_moved_is_spread_again() -> None:
    """Of a thousand secrets on one schedule no two dozen meet in the minute after a blackout."""
    found = [
        due(
            next_due(
                timetable("rate(1 day)", key=f"db/{number}", weekly=["00:00-12:00"]),
                after=MONDAY,
                anchor=MONDAY,
            )
        ).moment
        for number in range(1000)
    ]
    minutes = [at.replace(second=0) for at in found]
    assert min(found) >= MONDAY + DAY + 12 * HOUR
    assert max(map(minutes.count, minutes)) < 12


def test_a_window_without_an_allowed_moment_is_passed_over() -> None:
    """The next window with one comes instead, and the ones before it are told."""
    weekend = timetable("cron(0 8 * * ? *)", weekly=["SAT-SUN"])
    found = due(next_due(weekend, after=MONDAY + 4 * DAY + 9 * HOUR, anchor=MONDAY))
    assert found.window.start == MONDAY + 7 * DAY + 8 * HOUR
    assert [window.start.day for window in found.passed_over] == [6, 7]


def test_that_no_window_has_an_allowed_moment_is_said() -> None:
    """Where blackouts close every window, or the years are over, there is none."""
    closed = timetable("cron(0 8 ? * SAT *)", weekly=["SAT-SUN"])
    assert next_due(closed, after=MONDAY, anchor=MONDAY) is None
    over = timetable("cron(0 8 ? * SAT 2020)")
    assert next_due(over, after=MONDAY, anchor=MONDAY) is None


def test_a_long_blackout_of_a_dense_schedule_is_skipped() -> None:
    """A window a minute is found again after a month, not given up in it."""
    dense = timetable("rate(1 minute)", dates=["2026-06-01 - 2026-06-30"])
    found = due(next_due(dense, after=MONDAY, anchor=MONDAY))
    assert found.window.start == datetime(2026, 7, 1, tzinfo=UTC)


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["rate(1 day)", "rate(5 hours)", "cron(0/30 6-20 ? * MON-FRI *)"]),
    st.sampled_from([["SAT"], ["MON-FRI 08:00-18:00"], ["FRI 18:00 - MON 06:00", "22:00-04:00"]]),
    st.integers(0, 7 * 24 * 60),
)
def test_skipping_leaves_no_window_out(expression: str, weekly: list[str], minutes: int) -> None:
    """The window that is found is the first of all that has an allowed moment."""
    table = timetable(expression, weekly=weekly)
    after = MONDAY + minutes * MINUTE
    found = due(next_due(table, after=after, anchor=MONDAY))
    moment = after
    while (window := table.next_window(after=moment, anchor=MONDAY)) is not None:
        moment = window.start
        if table.moment_in(window) is not None:
            break
    assert window == found.window


def test_an_open_window_stays_when_a_calendar_changes() -> None:
    """Who was due later in an open window still is; a moment that has passed or is closed now moves on in it."""
    daily = timetable("rate(1 day)", key="db")
    stored = due(next_due(daily, after=MONDAY, anchor=MONDAY))
    for weekly in ([], ["TUE 00:00-20:00"]):
        table = timetable("rate(1 day)", key="db", weekly=weekly)
        now = stored.window.start + HOUR
        again = due(due_anew(table, stored.window, now=now, anchor=MONDAY))
        assert again.window == stored.window
        assert again.moment >= (stored.moment if not weekly else stored.window.start + 20 * HOUR)


def test_a_window_that_had_its_turn_does_not_come_back() -> None:
    """Where the stored window is a later one, the one that is open now was used already."""
    nightly = timetable("cron(0 4 * * ? *)")
    tomorrow = due(next_due(nightly, after=MONDAY + 4 * HOUR, anchor=MONDAY))
    again = due_anew(nightly, tomorrow.window, now=MONDAY + 10 * HOUR, anchor=MONDAY)
    assert due(again).window == tomorrow.window


def test_a_window_that_other_zone_data_put_earlier_is_not_lost() -> None:
    """Where the clock's rules changed and the window of tonight is open by now, it is used."""
    stored = Window(MONDAY + 4 * HOUR, MONDAY + 5 * HOUR)
    by_new_data = timetable("cron(0 3 * * ? *)", duration=HOUR)
    now = MONDAY + 3 * HOUR + 30 * MINUTE
    again = due(due_anew(by_new_data, stored, now=now, anchor=MONDAY))
    assert again.window.start == MONDAY + 3 * HOUR
    assert again.moment >= now


@pytest.mark.parametrize(
    ("missed", "duration", "catches_up"),
    [
        (Missed.AUTO, None, True),
        (Missed.AUTO, HOUR, False),
        (Missed.WAIT, None, False),
        (Missed.RUN, HOUR, True),
    ],
)
def test_a_missed_window(missed: Missed, duration: timedelta | None, catches_up: bool) -> None:
    """With an explicit duration it waits for the next window, without one it runs soon; a choice changes either."""
    table = timetable("cron(0 4 ? * SUN *)", duration=duration)
    now = MONDAY + 30 * MINUTE
    found = due(due_after_missing(table, now=now, anchor=MONDAY, missed=missed, catch_up=CATCH_UP))
    assert found.catches_up is catches_up
    if catches_up:
        assert found.window == Window(now, now + CATCH_UP)
        assert now <= found.moment < now + CATCH_UP
    else:
        assert found.window.start == MONDAY + 6 * DAY + 4 * HOUR


def test_missed_rotations_are_spread() -> None:
    """A thousand secrets whose windows were missed together don't start together."""
    found = [
        due(
            due_after_missing(
                timetable("rate(30 days)", key=f"db/{number}"),
                now=MONDAY,
                anchor=MONDAY - 40 * DAY,
                missed=Missed.RUN,
                catch_up=CATCH_UP,
            )
        ).moment
        for number in range(1000)
    ]
    assert max(map(found.count, found)) < 9


def test_a_blackout_puts_off_what_was_missed() -> None:
    """Nothing is made up for in a blackout, but after it; and where the next window comes before that, in it."""
    arguments = {"anchor": MONDAY, "missed": Missed.RUN, "catch_up": CATCH_UP}
    frozen = timetable("cron(0 4 ? * SUN *)", weekly=["MON-TUE"])
    found = due(due_after_missing(frozen, now=MONDAY + HOUR, **arguments))  # type: ignore[arg-type]
    assert found.window == Window(MONDAY + 2 * DAY, MONDAY + 2 * DAY + CATCH_UP)
    regular = timetable("cron(0 4 ? * SUN *)", weekly=["MON-SAT", "SUN 00:00-04:00"])
    found = due(due_after_missing(regular, now=MONDAY + HOUR, **arguments))  # type: ignore[arg-type]
    assert found.moment >= MONDAY + 6 * DAY + 4 * HOUR


def test_what_was_missed_is_made_up_for_in_the_regular_window_where_that_comes_first() -> None:
    """After the blackout the regular minute is over before most of the quarter of an hour for catching up."""
    brief = timetable("cron(0 4 ? * SUN *)", duration=MINUTE, weekly=["MON-SAT", "SUN 00:00-04:00"])
    found = due(
        due_after_missing(
            brief, now=MONDAY + HOUR, anchor=MONDAY, missed=Missed.RUN, catch_up=CATCH_UP
        )
    )
    opens = MONDAY + 6 * DAY + 4 * HOUR
    assert (found.window, found.catches_up) == (Window(opens, opens + MINUTE), False)


def test_an_open_window_whose_rest_is_closed_is_passed_over() -> None:
    """What is left of it lies in a blackout: the next one is taken, and it is told that this one was passed over."""
    nightly = timetable("cron(0 0 * * ? *)", duration=2 * HOUR, weekly=["MON 01:00-02:00"])
    found = due(
        due_after_missing(
            nightly, now=MONDAY + 1.5 * HOUR, anchor=MONDAY, missed=Missed.WAIT, catch_up=CATCH_UP
        )
    )
    assert found.window == Window(MONDAY + DAY, MONDAY + DAY + 2 * HOUR)
    assert found.passed_over == (Window(MONDAY, MONDAY + 2 * HOUR),)


def test_a_window_that_is_open_again_is_used() -> None:
    """After an outage over several windows the one that is open now is not left out."""
    nightly = timetable("cron(0 0 * * ? *)", duration=20 * HOUR)
    found = due(
        due_after_missing(
            nightly, now=MONDAY + HOUR, anchor=MONDAY, missed=Missed.AUTO, catch_up=CATCH_UP
        )
    )
    assert found.window == Window(MONDAY, MONDAY + 20 * HOUR)
    assert found.moment >= MONDAY + HOUR


def test_a_zone_and_a_calendar_together() -> None:
    """A window by one clock keeps off a blackout by another."""
    table = Timetable(
        schedule=parse_schedule("cron(0 9 * * ? *)"),
        duration=2 * HOUR,
        zone=zone_named("Europe/Berlin"),
        key="db",
        blackouts=Blackouts(
            (make_calendar("ny", weekly=["03:00-04:00"], timezone="America/New_York"),)
        ),
    )
    found = due(next_due(table, after=MONDAY, anchor=MONDAY))
    assert found.window == Window(MONDAY + 7 * HOUR, MONDAY + 9 * HOUR)
    assert found.moment >= MONDAY + 8 * HOUR
