"""What would rotate when."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.schedule import Blackouts, Timetable, make_calendar, next_due, parse_schedule
from rotator.schedule.simulation import Planned, simulate

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def planned(
    name: str, expression: str, *, target: str = "db1", weekly: str | None = None
) -> Planned:
    calendars = () if weekly is None else (make_calendar("freeze", weekly=[weekly]),)
    timetable = Timetable(
        schedule=parse_schedule(expression),
        duration=None,
        key=name,
        blackouts=Blackouts(calendars),
    )
    return Planned(
        name=name,
        target=target,
        timetable=timetable,
        anchor=MONDAY,
        first=next_due(timetable, after=MONDAY, anchor=MONDAY),
    )


def test_a_rate_and_a_cron_expression_are_played_forward() -> None:
    """Every window of the time has its rotation, at the planned moment, in order; days count them by target."""
    forecast = simulate(
        [planned("a", "rate(10 days)"), planned("b", "cron(0 4 ? * SUN *)", target="db2")],
        start=MONDAY,
        end=MONDAY + 30 * DAY,
    )
    assert sorted((event.start.day, event.secret) for event in forecast.events) == [
        (7, "b"),
        (11, "a"),
        (14, "b"),
        (21, "a"),
        (21, "b"),
        (28, "b"),
    ]
    assert forecast.days[date(2026, 6, 21)] == {"db1": 1, "db2": 1}
    assert not forecast.without_window


def test_what_comes_together_is_told() -> None:
    """Rotations of one target in one minute collide, those of other targets don't; the fullest hour comes first."""
    secrets = [planned(f"s{number}", "cron(0 4 * * ? *)") for number in range(20)]
    crowded = [planned(f"c{number}", "cron(30 6 2 6 ? 2026)", target="db2") for number in range(3)]
    dense = [planned(name, "rate(1 minute)", target="db3") for name in ("x", "y")]
    forecast = simulate([*secrets, *crowded, *dense], start=MONDAY, end=MONDAY + HOUR)
    assert {collision.target for collision in forecast.collisions} == {"db3"}
    assert all(set(collision.secrets) == {"x", "y"} for collision in forecast.collisions)
    assert forecast.peaks[0][0] == MONDAY
    assert forecast.peaks[0][1] >= 100


def test_secrets_without_a_window_are_told() -> None:
    """A secret that blackouts or its years leave nothing is named; windows that are passed over are counted."""
    forecast = simulate(
        [
            planned("never", "cron(0 8 ? * SAT *)", weekly="SAT-SUN"),
            planned("later", "rate(200 days)"),
            planned("some", "cron(0 8 * * ? *)", weekly="SAT-SUN"),
        ],
        start=MONDAY,
        end=MONDAY + 7 * DAY,
    )
    assert forecast.without_window == ("never", "later")
    [closed] = forecast.closed
    assert (closed.secret, [window.start.day for window in closed.windows]) == ("some", [6, 7])


def test_what_is_overdue_comes_first() -> None:
    """A planned moment that has passed counts as now."""
    secret = planned("a", "rate(1 day)")
    start = MONDAY + 5 * DAY
    forecast = simulate([secret], start=start, end=start + 2 * DAY)
    assert forecast.events[0].at == start
    assert forecast.events[1].start == start + DAY


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.sampled_from(["rate(1 day)", "rate(7 hours)", "cron(0 2 ? * MON-FRI *)"]), max_size=5
    )
)
def test_totals_agree(expressions: list[str]) -> None:
    """Days add up to all rotations; they are in order, in their windows and in the time that was asked for."""
    secrets = [planned(f"s{n}", expression) for n, expression in enumerate(expressions)]
    end = MONDAY + 14 * DAY
    forecast = simulate(secrets, start=MONDAY, end=end)
    assert sum(sum(of.values()) for of in forecast.days.values()) == len(forecast.events)
    assert [event.at for event in forecast.events] == sorted(event.at for event in forecast.events)
    assert all(event.start <= event.at < event.end for event in forecast.events)
    assert all(MONDAY <= event.at < end for event in forecast.events)
