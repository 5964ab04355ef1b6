"""Moments and spans as options take them."""

from datetime import UTC, datetime, timedelta

import pytest

from rotator.cli.moments import parse_ago, parse_moment
from rotator.errors import InvalidParameter

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "ago"),
    [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("2w", timedelta(weeks=2))],
)
def test_a_span_is_so_long_ago(given: str, ago: timedelta) -> None:
    """What takes a span and what takes a moment read one alike."""
    assert parse_ago(given, option="--keep", now=NOW) == NOW - ago
    assert parse_moment(given, option="--since", now=NOW) == NOW - ago


def test_a_moment_keeps_its_zone() -> None:
    """A time that names its offset from UTC is that instant, wherever it is read."""
    assert parse_moment("2026-02-01T12:00+02:00", option="--since", now=NOW) == datetime(
        2026, 2, 1, 10, tzinfo=UTC
    )


@pytest.mark.parametrize("given", ["", "x", "1y", "2026-02-01", "999999w"])
def test_what_is_no_span_is_told(given: str) -> None:
    """A date is no span; the message names the option and what it takes."""
    with pytest.raises(InvalidParameter, match=r"^--keep takes a span such as"):
        parse_ago(given, option="--keep", now=NOW)


@pytest.mark.parametrize("given", ["", "x", "2026-13-01", "yesterday"])
def test_what_is_no_moment_is_told(given: str) -> None:
    """The message names the option and what it takes."""
    with pytest.raises(InvalidParameter, match=r"^--since takes a date or time such as"):
        parse_moment(given, option="--since", now=NOW)
