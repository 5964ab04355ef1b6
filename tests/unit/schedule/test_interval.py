"""The AutomaticallyAfterDays that is computed from an expression."""

import pytest
from hypothesis import given, settings

from rotator.schedule import automatically_after_days, parse_schedule
from tests.unit.schedule.strategies import wide_expressions


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("rate(10 hours)", 1),  # recorded on the real service
        ("rate(24 hours)", 1),
        ("rate(25 hours)", 2),
        ("rate(1 day)", 1),
        ("rate(999 days)", 999),
        ("cron(0 4/12 * * ? *)", 1),
        ("cron(0 10 * * ? *)", 1),
        ("cron(0 18 ? * SAT *)", 7),
        ("cron(0 8 ? * MON-FRI *)", 3),
        ("cron(0 8 1 * ? *)", 31),
        ("cron(0 16 1,15 * ? *)", 17),
        ("cron(0 17 L * ? *)", 31),
        ("cron(0 0 ? * SUN#1 *)", 35),
        ("cron(0 /8 * 3-12 ? *)", 61),
        ("cron(0 8 1 1 ? *)", 366),
        ("cron(0 8 29 2 ? *)", 1000),
        ("rate(5 minutes)", 1),
        ("cron(0/5 * * * ? *)", 1),
        ("cron(0 8 1 * ? 2027)", 31),
        ("cron(0 8 1 1 ? 2027,2029)", 731),
        ("cron(0 8 1 1 ? 2027)", 1000),
        ("cron(0 8 ? 2 MON#5 *)", 1000),
    ],
)
def test_it_is_the_longest_interval_in_days(expression: str, days: int) -> None:
    """The value is the most days that can lie between two windows, up to the API's 1000."""
    assert automatically_after_days(parse_schedule(expression)) == days


@settings(deadline=None, max_examples=30)
@given(wide_expressions)
def test_it_is_a_value_that_the_api_can_carry(expression: str) -> None:
    """Every schedule has a value from 1 to 1000, the range in the service's model."""
    assert 1 <= automatically_after_days(parse_schedule(expression)) <= 1000
