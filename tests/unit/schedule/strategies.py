"""Random expressions of every form that AWS documents."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from tests.unit.schedule.reference import MONTHS, WEEKDAYS, ever_opens


def _terms(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    """One term of a list: a value, a range, or either with an increment."""
    numbers = st.integers(low, high)
    values = numbers.map(str) | st.sampled_from(names) if names else numbers.map(str)
    ranges = st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}")
    starts = st.one_of(values, ranges, st.just("*"), st.just(""))
    stepped = st.tuples(starts, st.integers(1, high)).map(lambda term: f"{term[0]}/{term[1]}")
    return st.one_of(values, ranges, stepped)


def _lists(terms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(terms, min_size=1, max_size=4).map(",".join)


hours = st.one_of(
    st.integers(0, 23).map(str),
    st.tuples(st.integers(0, 23), st.integers(4, 23)).map(lambda hour: f"{hour[0]}/{hour[1]}"),
    st.integers(4, 23).map(lambda step: f"/{step}"),
)
months = st.just("*") | _lists(_terms(1, 12, MONTHS))
days_of_month = st.one_of(
    st.just("*"),
    st.just("L"),
    st.sampled_from([f"{name}L" for name in WEEKDAYS]),
    _lists(_terms(1, 31)),
)
weekdays = st.integers(1, 7).map(str) | st.sampled_from(WEEKDAYS)
days_of_week = st.one_of(
    st.just("*"),
    st.just("L"),
    weekdays.map(lambda weekday: f"{weekday}L"),
    st.tuples(weekdays, st.integers(1, 5)).map(lambda nth: f"{nth[0]}#{nth[1]}"),
    _lists(_terms(1, 7, WEEKDAYS)),
)
day_fields = st.one_of(
    days_of_month.map(lambda field: (field, "?")),
    days_of_week.map(lambda field: ("?", field)),
    days_of_week.filter(lambda field: field != "*").map(lambda field: ("*", field)),
)

well_formed_crons = st.tuples(hours, months, day_fields).map(
    lambda parts: f"cron(0 {parts[0]} {parts[2][0]} {parts[1]} {parts[2][1]} *)"
)
"""Well formed, but some never open a window."""

crons = well_formed_crons.filter(ever_opens)
rates = st.one_of(
    st.integers(4, 999 * 24).map(lambda value: f"rate({value} hours)"),
    st.integers(1, 999).map(lambda value: f"rate({value} {'day' if value == 1 else 'days'})"),
)
expressions = crons | rates
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # Hypothesis adds the zone

wide_crons = st.tuples(
    st.just("*") | _lists(_terms(0, 59)),
    st.just("*") | _lists(_terms(0, 23)),
    months,
    day_fields,
    st.just("*") | _lists(_terms(1970, 2199)),
).map(
    lambda parts: f"cron({parts[0]} {parts[1]} {parts[3][0]} {parts[2]} {parts[3][1]} {parts[4]})"
)
wide_crons = wide_crons.filter(ever_opens)
"""Of the wider dialect; their years may be over."""

wide_rates = st.integers(1, 999 * 24 * 60).map(lambda value: f"rate({value} minutes)")
wide_expressions = expressions | wide_crons | wide_rates

zones = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",  # midnight doesn't exist on one day, and comes twice on another
        "America/St_Johns",  # offsets with half hours; until 2011 the clock was turned a minute after midnight
        "Asia/Beirut",  # midnight doesn't exist on one day of the year
        "Australia/Lord_Howe",  # the clock is turned by half an hour
        "Pacific/Apia",  # the 30th of December 2011 doesn't exist
        "Asia/Kolkata",
    ]
)
near_turns = st.one_of(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 30), timezones=st.just(UTC)),  # noqa: DTZ001  # Hypothesis adds it
    st.datetimes(datetime(2026, 9, 20), datetime(2026, 11, 10), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2011, 12, 27), datetime(2012, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
)
"""Moments about which clocks are turned."""
