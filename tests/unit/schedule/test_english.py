"""Schedules in words."""

import pytest
from hypothesis import given

from rotator.schedule import describe, parse_schedule, zone_named
from tests.unit.schedule.strategies import wide_expressions


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
        ("rate(1 minute)", "every minute"),
        ("rate(90 minutes)", "every 90 minutes"),
        ("cron(30 8,20 * * ? *)", "at 08:30 and 20:30 UTC every day"),
        (
            "cron(0/15 8-17 ? * MON-FRI *)",
            "at minutes 0, 15, 30 and 45 of hours 8 to 17 (UTC) every Monday to Friday",
        ),
        ("cron(5 * * * ? *)", "at minute 5 of every hour (UTC) every day"),
        ("cron(* 3 1 * ? *)", "every minute of hour 3 (UTC) on day 1 of every month"),
        (
            "cron(0 8 1 * ? 2027-2029,2035)",
            "at 08:00 UTC on day 1 of every month, in 2027 to 2029 and 2035 only",
        ),
    ],
)
def test_a_schedule_is_told_in_words(expression: str, words: str) -> None:
    """Hours, days and months are named, and runs of three or more are shortened."""
    assert describe(parse_schedule(expression)) == words


def test_the_clock_is_named() -> None:
    """A time is told with the zone that it is of."""
    berlin = zone_named("Europe/Berlin")
    assert (
        describe(parse_schedule("cron(0 8 ? * SAT *)"), zone=berlin)
        == "at 08:00 Europe/Berlin every Saturday"
    )
    assert describe(parse_schedule("rate(2 days)"), zone=berlin) == (
        "every 2 days at 00:00 Europe/Berlin"
    )


@given(wide_expressions)
def test_every_schedule_can_be_told(expression: str) -> None:
    """There are words for each expression that is read."""
    assert describe(parse_schedule(expression))
