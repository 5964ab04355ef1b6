"""The two day fields of a cron expression: one of them says the days, the other is `?`."""

from rotator.schedule.errors import ScheduleError
from rotator.schedule.expression import (
    Days,
    DaysOfMonth,
    EveryDay,
    LastDayOfMonth,
    LastWeekday,
    NthWeekday,
    Weekdays,
)
from rotator.schedule.fields import DAY_OF_MONTH, DAY_OF_WEEK, WEEKDAY_NAMES, Token

MOST_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
SATURDAY = 7
WEEKS_IN_MONTH = 5


def parse_days(day_of_month: Token, day_of_week: Token, *, months: tuple[int, ...]) -> Days:
    """The days on which a window opens.

    `*` in day-of-month beside a day-of-week restricts nothing: AWS's page long had `cron(0 1 * 1/3
    SUN *)` among its examples. Every other pair without exactly one `?` is refused, as the page
    says.

    Raises:
        ScheduleError: a field is malformed, the two contradict each other, or no month has such a
            day.

    """
    if day_of_month.text == day_of_week.text == "?":
        raise ScheduleError(
            "is ? and so is day-of-week; one of the two must say the days",
            field=DAY_OF_MONTH.name,
            position=day_of_month.position,
        )
    if day_of_week.text == "?":
        return _days_of_month(day_of_month, months=months)
    if day_of_month.text == "?" or (day_of_month.text == "*" and day_of_week.text != "*"):
        return _weekdays(day_of_week)
    raise ScheduleError(
        f"must be ?, because day-of-month ({day_of_month.text}) says the days already",
        field=DAY_OF_WEEK.name,
        position=day_of_week.position,
    )


def _days_of_month(token: Token, *, months: tuple[int, ...]) -> Days:
    if token.text == "*":
        return EveryDay()
    if token.text == "L":
        return LastDayOfMonth()
    if token.text[:-1] in WEEKDAY_NAMES and token.text.endswith("L"):
        return _last_weekday(token)
    days = DAY_OF_MONTH.values(token)
    if days[0] > max(MOST_DAYS_OF_MONTH[month - 1] for month in months):
        raise ScheduleError(
            f"none of the expression's months has a day {days[0]}, so no window would ever open",
            field=DAY_OF_MONTH.name,
            position=token.position,
        )
    return DaysOfMonth(days)


def _weekdays(token: Token) -> Days:
    if token.text == "*":
        return EveryDay()
    if token.text == "L":
        return Weekdays((SATURDAY,))
    if "#" in token.text:
        return _nth_weekday(token)
    if token.text.endswith("L"):
        return _last_weekday(token)
    return Weekdays(DAY_OF_WEEK.values(token))


def _last_weekday(token: Token) -> LastWeekday:
    return LastWeekday(DAY_OF_WEEK.value(Token(token.text[:-1], token.position)))


def _nth_weekday(token: Token) -> NthWeekday:
    weekday, *nths = token.split("#")
    nth = nths[0]
    if len(nths) > 1 or not nth.text.isdigit() or not 1 <= int(nth.text) <= WEEKS_IN_MONTH:
        raise DAY_OF_WEEK.error(
            f"after # stands one number from 1 to {WEEKS_IN_MONTH} and nothing else", at=nth
        )
    return NthWeekday(DAY_OF_WEEK.value(weekday), int(nth.text))
