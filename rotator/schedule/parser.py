"""Reads `rate()` and `cron()` expressions in the dialect of AWS Secrets Manager, or in the wider one.

The rules are those of the page "Rotation schedules" of the AWS Secrets Manager User Guide and of
`RotationRulesType` in its API reference. Where they are silent, an expression is refused unless it
can be read in one way only. The wider dialect has rates in minutes and of any number of hours, and
in cron the minutes, any hours and the years, as EventBridge does; what AWS takes it reads alike.
"""

import re
from functools import lru_cache

from rotator.model.rules import Limits
from rotator.schedule.days import parse_days
from rotator.schedule.errors import ScheduleError
from rotator.schedule.expression import HOURS_PER_DAY, Cron, Rate, Schedule, Unit
from rotator.schedule.fields import HOURS, HOURS_OF_AWS, MINUTES, MONTH, YEAR, Token

LONGEST_EXPRESSION = 256
UNITS = {
    "MINUTE": Unit.MINUTES,
    "MINUTES": Unit.MINUTES,
    "HOUR": Unit.HOURS,
    "HOURS": Unit.HOURS,
    "DAY": Unit.DAYS,
    "DAYS": Unit.DAYS,
}
LONGEST_RATE = 999  # days
MOST_HOURS = LONGEST_RATE * HOURS_PER_DAY
BOUNDS = {
    Limits.AWS: {Unit.HOURS: (4, MOST_HOURS), Unit.DAYS: (1, LONGEST_RATE)},
    Limits.WIDE: {
        Unit.MINUTES: (1, MOST_HOURS * 60),
        Unit.HOURS: (1, MOST_HOURS),
        Unit.DAYS: (1, LONGEST_RATE),
    },
}
CRON_FIELDS = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")

_CALL = re.compile(r" *(rate|cron) *\((?P<body>[^()]*)\) *")
_WORD = re.compile(r"[^ ]+")
_UNEXPECTED = re.compile(r"[^0-9A-Za-z()#?*\-/, ]")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


@lru_cache(maxsize=1024)
def parse_schedule(expression: str, *, limits: Limits = Limits.WIDE) -> Schedule:
    """The schedule that an expression stands for; its `str()` is the canonical expression.

    Raises:
        ScheduleError: the expression isn't one within these limits, or none of its months has such
            a day.

    """
    if len(expression) > LONGEST_EXPRESSION:
        raise _wrong(f"longer than {LONGEST_EXPRESSION} characters", position=LONGEST_EXPRESSION)
    if unexpected := _UNEXPECTED.search(expression):
        raise _wrong(
            f"the character {unexpected[0]!r} can't stand here", position=unexpected.start()
        )
    call = _CALL.fullmatch(expression)
    if call is None:
        raise _wrong("neither a rate nor a cron expression", position=0)
    tokens = [
        Token(word[0].upper(), word.start())
        for word in _WORD.finditer(expression, *call.span("body"))
    ]
    read = _rate if call[1] == "rate" else _cron
    return read(tokens, call, limits)


def _wrong(reason: str, *, position: int) -> ScheduleError:
    allowed = "rate(10 days), rate(12 hours) or cron(0 8 1 * ? *)"
    return ScheduleError(
        f"{reason}; write it like {allowed}", field="expression", position=position
    )


def _rate(tokens: list[Token], call: re.Match[str], limits: Limits) -> Rate:
    if len(tokens) != 2:
        raise _wrong(
            f"rate takes a value and a unit, not {len(tokens)} words", position=call.start("body")
        )
    value, unit = tokens
    bounds = BOUNDS[limits]
    rate_unit = UNITS.get(unit.text)
    if rate_unit not in bounds:
        allowed = ", ".join(name.lower() for name in UNITS if UNITS[name] in bounds)
        raise ScheduleError(
            f"{unit.text} is not a unit; allowed: {allowed}", field="unit", position=unit.position
        )
    least, most = bounds[rate_unit]
    if not value.text.isdigit() or not least <= int(value.text) <= most:
        raise ScheduleError(
            f"{value.text} is not possible; allowed: {least} to {most} {rate_unit}",
            field="value",
            position=value.position,
        )
    return Rate(int(value.text), rate_unit)


def _cron(tokens: list[Token], call: re.Match[str], limits: Limits) -> Cron:
    if len(tokens) != len(CRON_FIELDS):
        reason = f"cron takes six fields ({' '.join(CRON_FIELDS)}), not {len(tokens)}"
        raise _wrong(reason, position=call.start("body"))
    minutes, hours, day_of_month, month, day_of_week, year = tokens
    if limits is Limits.AWS:
        _check_limits_of_aws(minutes, year)
    months = MONTH.values(month)
    return Cron(
        text=f"cron({' '.join(_LEADING_ZEROS.sub('', token.text) for token in tokens)})",
        minutes=MINUTES.values(minutes),
        hours=(HOURS_OF_AWS if limits is Limits.AWS else HOURS).values(hours),
        months=months,
        days=parse_days(day_of_month, day_of_week, months=months),
        years=None if year.text == "*" else YEAR.values(year),
    )


def _check_limits_of_aws(minutes: Token, year: Token) -> None:
    if minutes.text.strip("0"):
        raise ScheduleError(
            "must be 0, because rotation windows open on the hour",
            field="minutes",
            position=minutes.position,
        )
    if year.text != "*":
        raise ScheduleError(
            "must be *, because a schedule has no end", field="year", position=year.position
        )
