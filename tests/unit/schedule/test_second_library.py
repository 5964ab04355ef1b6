"""Openings held against pyawscron, a library of others that reads AWS's text by itself."""

from datetime import UTC, datetime
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st
from pyawscron import AWSCron  # type: ignore[import-untyped]

from rotator.schedule import parse_schedule, windows
from tests.unit.schedule.reference import MONTHS, WEEKDAYS, ever_opens


def _values(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    """A field in the forms that pyawscron reads: no increment within a list."""
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}")
    values = numbers.map(str) | st.sampled_from(names) if names else numbers.map(str)
    lists = st.lists(values | ranges, min_size=1, max_size=4).map(",".join)
    stepped = st.tuples(numbers.map(str) | ranges | st.just("*"), st.integers(1, high)).map(
        lambda parts: f"{parts[0]}/{parts[1]}"
    )
    return st.just("*") | lists | stepped


_weekday = st.integers(1, 7).map(str) | st.sampled_from(WEEKDAYS)
# Days above 28, and fifth weekdays, it looks for in ten months at most; all days of a month are there in its `L`.
_days = st.one_of(
    (_values(1, 28) | st.just("L")).map(lambda field: (field, "?")),
    st.one_of(
        _values(1, 7, WEEKDAYS),
        _weekday.map(lambda weekday: f"{weekday}L"),
        st.tuples(_weekday, st.integers(1, 4)).map(lambda nth: f"{nth[0]}#{nth[1]}"),
    ).map(lambda field: ("?", field)),
)
crons = st.tuples(_values(0, 59), _values(0, 23), _days, _values(1, 12, MONTHS)).map(
    lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]} *"
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # Hypothesis adds it


@settings(deadline=None)
@given(crons.filter(lambda fields: ever_opens(f"cron({fields})")), moments)
def test_openings_agree_with_pyawscron(fields: str, after: datetime) -> None:
    """The next six openings of an expression are the same in both libraries."""
    expected = AWSCron.get_next_n_schedule(6, after, fields)
    found = windows(parse_schedule(f"cron({fields})"), after=after, anchor=after, duration=None)
    assert [window.start for window in islice(found, 6)] == expected
