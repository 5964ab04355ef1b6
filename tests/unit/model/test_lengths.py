"""Lengths of time as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.model.lengths import parse_length, shown_length


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("30m", 1800), ("1h30m", 5400), ("2d", 172800), ("90s", 90), ("1w", 604800)],
)
def test_a_length_is_read(text: str, seconds: int) -> None:
    """Weeks to seconds, the longest first, each at most once."""
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "30m1h", "1 h", "1h1h"])
def test_what_is_no_length_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="no length of time"):
        parse_length(text)


@given(st.integers(0, 10**9))
def test_shown_and_read_again_it_is_the_same(seconds: int) -> None:
    """What is shown can be typed in."""
    assert parse_length(shown_length(seconds)) == seconds
