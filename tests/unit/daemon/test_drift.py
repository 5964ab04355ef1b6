"""Whose turn it is to be tried: each secret once in a set time, whenever somebody looks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rotator.daemon.drift import stretches

_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(
    every=st.integers(60, 100_000),
    first=st.integers(1, 50),
    number=st.integers(1, 40),
    steps=st.lists(st.floats(0.001, 0.3), min_size=1, max_size=40),
    offset=st.integers(0, 100_000),
)
def test_in_a_period_each_has_one_turn(
    every: int, first: int, number: int, steps: list[float], offset: int
) -> None:
    """Looks at any moments of one whole period together give every secret one turn, and none two."""
    last = first + number - 1
    begin = _START + timedelta(seconds=offset)
    moments = [begin]
    for step in steps:
        moments.append(moments[-1] + timedelta(seconds=step * every))
    end = begin + timedelta(seconds=every)
    moments = [moment for moment in moments if moment < end] + [end]
    turns: list[int] = []
    for before, now in pairwise(moments):
        for after, until in stretches(before, now, every=every, bounds=(first, last)):
            turns.extend(range(after + 1, until + 1))
    assert sorted(turns) == list(range(first, last + 1))


def test_who_was_away_for_a_period_tries_all() -> None:
    """A long pause is made up for by one turn of each."""
    later = _START + timedelta(days=3)
    assert stretches(_START, later, every=86400.0, bounds=(7, 9)) == [(6, 9)]


def test_a_clock_that_was_set_back_gives_no_turn() -> None:
    """Nobody has two turns because the time comes again."""
    assert stretches(_START, _START - timedelta(hours=1), every=86400.0, bounds=(1, 9)) == []
