"""Schedules in words."""

import pytest
from hypothesis import given

from rotator.schedule import describe, parse_schedule
from tests.unit.schedule.strategies import expressions


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(1 day)", "every day at 00:00 UTC"),
        ("rate(10 days)", "every 10 days at 00:00 UTC"),
        ("rate(4 hours)", "every 4 hours, on the hour"),
        ("cron(0 2/10 * * ? *)", "at 02:00, 12:00 and 22:00 UTC every day"),
        ("cron(0 10 * 1,7 ? *)", "at 10:00 UTC every day in January and July"),
        ("cron(0 18 ? * SAT *)", "at 18:00 UTC every Saturday"),
        ("cron(0 8 ? 6-8 MON-FRI *)", "at 08:00 UTC every Monday to Friday in June to August"),
        ("cron(0 8 ? * 1,2,4 *)", "at 08:00 UTC every Sunday, Monday and Wednesday"),
        ("cron(0 8 1 * ? *)", "at 08:00 UTC on day 1 of every month"),
        ("cron(0 16 1,15-20 * ? *)", "at 16:00 UTC on days 1 and 15 to 20 of every month"),
        ("cron(0 17 L 2 ? *)", "at 17:00 UTC on the last day of February"),
        ("cron(0 17 SUNL * ? *)", "at 17:00 UTC on the last Sunday of every month"),
        ("cron(0 0 ? 1/11 2#1 *)", "at 00:00 UTC on the first Monday of January and December"),
    ],
)
def test_a_schedule_is_told_in_words(expression: str, words: str) -> None:
    """Hours, days and months are named, and runs of three or more are shortened."""
    assert describe(parse_schedule(expression)) == words


@given(expressions)
def test_every_schedule_can_be_told(expression: str) -> None:
    """There are words for each expression that is read."""
    assert describe(parse_schedule(expression))
