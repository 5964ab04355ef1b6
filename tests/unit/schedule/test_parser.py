"""Which expressions are read, what they become, and how the others are refused."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotator.model.rules import Limits
from rotator.schedule import Rate, ScheduleError, Unit, parse_schedule
from tests.unit.schedule.reference import ever_opens
from tests.unit.schedule.strategies import expressions, well_formed_crons, wide_expressions


@pytest.mark.parametrize(
    ("expression", "rate"),
    [
        ("rate(4 hours)", Rate(4, Unit.HOURS)),
        ("rate(12 hours)", Rate(12, Unit.HOURS)),
        ("rate(1 day)", Rate(1, Unit.DAYS)),
        ("rate(10 days)", Rate(10, Unit.DAYS)),
        ("rate(999 days)", Rate(999, Unit.DAYS)),
        ("rate(23976 hours)", Rate(23976, Unit.HOURS)),
    ],
)
def test_a_rate_is_a_value_and_a_unit(expression: str, rate: Rate) -> None:
    """The rates of AWS's documentation, and those at its limits, are read as written."""
    assert parse_schedule(expression) == rate
    assert str(rate) == expression


@pytest.mark.parametrize(
    ("expression", "canonical"),
    [
        (" rate( 010  day ) ", "rate(10 days)"),
        ("rate(1 days)", "rate(1 day)"),
        ("cron( 00  08 01 jan-Mar/02 ? * )", "cron(0 8 1 JAN-MAR/2 ? *)"),
        ("cron(0 0 ? * sun#1 *)", "cron(0 0 ? * SUN#1 *)"),
        ("cron(0 10 * * ? *)", "cron(0 10 * * ? *)"),
    ],
)
def test_str_is_the_canonical_expression(expression: str, canonical: str) -> None:
    """Spaces, case, leading zeros and the unit's number are put in order; nothing else changes."""
    assert str(parse_schedule(expression)) == canonical


@pytest.mark.parametrize(
    ("expression", "field", "caret"),
    [
        ("", "expression", ""),
        ("every day", "expression", ""),
        ("cron(0 8 1 * ? *", "expression", ""),
        ("cron(0 8 1 * ?)", "expression", "cron("),
        ("cron(0 8 1–15 * ? *)", "expression", "cron(0 8 1"),  # noqa: RUF001  # a dash pasted from a web page
        ("rate(10)", "expression", "rate("),
        ("rate(3 hours)", "value", "rate("),
        ("rate(23977 hours)", "value", "rate("),
        ("rate(0 days)", "value", "rate("),
        ("rate(1000 days)", "value", "rate("),
        ("rate(-1 days)", "value", "rate("),
        ("rate(ten days)", "value", "rate("),
        ("rate(30 minutes)", "unit", "rate(30 "),
        ("cron(30 8 1 * ? *)", "minutes", "cron("),
        ("cron(* 8 1 * ? *)", "minutes", "cron("),
        ("cron(0 24 * * ? *)", "hours", "cron(0 "),
        ("cron(0 * * * ? *)", "hours", "cron(0 "),
        ("cron(0 8-10 * * ? *)", "hours", "cron(0 "),
        ("cron(0 8,20 * * ? *)", "hours", "cron(0 8,"),
        ("cron(0 0/3 * * ? *)", "hours", "cron(0 0/"),
        ("cron(0 0/24 * * ? *)", "hours", "cron(0 0/"),
        ("cron(0 8 0 * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 1,32 * ? *)", "day-of-month", "cron(0 8 1,"),
        ("cron(0 8 1, * ? *)", "day-of-month", "cron(0 8 1,"),
        ("cron(0 8 15-1 * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 1-5-9 * ? *)", "day-of-month", "cron(0 8 1-5-"),
        ("cron(0 8 1/2/3 * ? *)", "day-of-month", "cron(0 8 1/2/"),
        ("cron(0 8 1/ * ? *)", "day-of-month", "cron(0 8 1/"),
        ("cron(0 8 15W * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 L-3 * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 6L * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 ? * ? *)", "day-of-month", "cron(0 8 "),
        ("cron(0 8 1 0 ? *)", "month", "cron(0 8 1 "),
        ("cron(0 8 1 L ? *)", "month", "cron(0 8 1 "),
        ("cron(0 8 1 *,2 ? *)", "month", "cron(0 8 1 "),
        ("cron(0 8 1 1/13 ? *)", "month", "cron(0 8 1 1/"),
        ("cron(0 8 ? * 0 *)", "day-of-week", "cron(0 8 ? * "),
        ("cron(0 8 ? * SUNDAY *)", "day-of-week", "cron(0 8 ? * "),
        ("cron(0 8 ? * 2#0 *)", "day-of-week", "cron(0 8 ? * 2#"),
        ("cron(0 8 ? * 2#6 *)", "day-of-week", "cron(0 8 ? * 2#"),
        ("cron(0 8 ? * 2#1#2 *)", "day-of-week", "cron(0 8 ? * 2#"),
        ("cron(0 8 ? * 2#1,3#1 *)", "day-of-week", "cron(0 8 ? * 2#"),
        ("cron(0 8 ? * 6L,2 *)", "day-of-week", "cron(0 8 ? * "),
        ("cron(0 8 * * * *)", "day-of-week", "cron(0 8 * * "),
        ("cron(0 8 1 * MON *)", "day-of-week", "cron(0 8 1 * "),
        ("cron(0 8 1 * ? 2030)", "year", "cron(0 8 1 * ? "),
    ],
)
def test_a_refusal_names_the_field_and_points_at_the_place(
    expression: str, field: str, caret: str
) -> None:
    """What AWS's documentation doesn't allow is refused; the error says which field and where."""
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(expression, limits=Limits.AWS)
    assert refusal.value.field == field
    assert refusal.value.position == len(caret)
    assert str(refusal.value) == refusal.value.message
    assert refusal.value.message.startswith(f"{field}: ")


def test_a_refusal_says_what_is_allowed() -> None:
    """The message tells what is wrong with the field and what could stand there instead."""
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule("cron(0 25 1 * ? *)", limits=Limits.AWS)
    assert refusal.value.message == (
        "hours: 25 is out of range; allowed: one hour from 0 to 23, "
        "or an increment of at least four hours such as 8/8 or /8"
    )


@pytest.mark.parametrize(
    ("expression", "field", "caret"),
    [
        ("rate(0 minutes)", "value", "rate("),
        ("rate(1438561 minutes)", "value", "rate("),
        ("rate(10 weeks)", "unit", "rate(10 "),
        ("cron(60 8 1 * ? *)", "minutes", "cron("),
        ("cron(0,60 8 1 * ? *)", "minutes", "cron(0,"),
        ("cron(L 8 1 * ? *)", "minutes", "cron("),
        ("cron(0 8,24 * * ? *)", "hours", "cron(0 8,"),
        ("cron(0 8 1 * ? 1969)", "year", "cron(0 8 1 * ? "),
        ("cron(0 8 1 * ? ?)", "year", "cron(0 8 1 * ? "),
        ("cron(0 8 1 * ? 2030-2027)", "year", "cron(0 8 1 * ? "),
    ],
)
def test_the_wider_dialect_has_limits_too(expression: str, field: str, caret: str) -> None:
    """A minute, hour or year that doesn't exist is refused, with the field and the place."""
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(expression)
    assert (refusal.value.field, refusal.value.position) == (field, len(caret))


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(3 hours)",
        "cron(30 8 1 * ? *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 8,20 * * ? *)",
        "cron(0 */2 * * ? *)",
        "cron(0 8 1 * ? 2030)",
        "cron(0 8 1 * ? 2027-2031,2040/50)",
    ],
)
def test_what_only_the_wider_dialect_has(expression: str) -> None:
    """Minutes, any hours and years are read by default and refused within AWS's limits."""
    assert str(parse_schedule(expression)) == expression
    with pytest.raises(ScheduleError):
        parse_schedule(expression, limits=Limits.AWS)


@given(expressions)
def test_the_wider_dialect_reads_aws_expressions_alike(expression: str) -> None:
    """An expression within AWS's limits is the same schedule in both dialects."""
    assert parse_schedule(expression) == parse_schedule(expression, limits=Limits.AWS)


@pytest.mark.parametrize("expression", ["cron(0 8 31 2 ? *)", "cron(0 8 30,31 FEB ? *)"])
def test_a_day_that_never_comes_is_refused(expression: str) -> None:
    """An expression that could never open a window is refused when it is read."""
    with pytest.raises(ScheduleError, match="no window would ever open") as refusal:
        parse_schedule(expression)
    assert refusal.value.field == "day-of-month"


def test_an_expression_is_no_longer_than_the_api_allows() -> None:
    """More than 256 characters, the API model's limit, are refused at the first one too many."""
    with pytest.raises(ScheduleError, match="256") as refusal:
        parse_schedule(f"rate(10 days{' ' * 244})")
    assert refusal.value.position == 256


@given(well_formed_crons)
@example("cron(0 8 29 2 ? *)")
@example("cron(0 8 31 4,6,9,11 ? *)")
def test_just_the_expressions_that_never_open_a_window_are_refused(expression: str) -> None:
    """Every well-formed expression is read, except where a second reading finds no day for it."""
    assert (_refusal(expression) is None) == ever_opens(expression)


@given(wide_expressions)
def test_a_canonical_expression_reads_back_as_itself(expression: str) -> None:
    """`str()` of a schedule is an expression for an equal schedule with the same `str()`."""
    schedule = parse_schedule(expression)
    again = parse_schedule(str(schedule))
    assert again == schedule
    assert str(again) == str(schedule)


@given(
    st.text()
    | st.text("0123456789,-*?/L#W SUNFEB()", max_size=30).map(lambda body: f"cron(0 {body} *)")
    | st.lists(st.sampled_from(["0", "1", "L", "?", "*", "/", "-", ",", "#", "SUN", "JAN"])).map(
        lambda parts: f"cron(0 8 {' '.join(parts)} *)"
    )
    | st.text("0123456789 daysho-", max_size=20).map(lambda body: f"rate({body})")
)
@example("cron(0 ٣ * * ? *)")
@example("rate(² days)")
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, the only error is a ScheduleError that points into it."""
    for limits in Limits:
        refusal = _refusal(text, limits=limits)
        assert refusal is None or 0 <= refusal.position <= len(text)


def _refusal(text: str, *, limits: Limits = Limits.AWS) -> ScheduleError | None:
    try:
        parse_schedule(text, limits=limits)
    except ScheduleError as refusal:
        return refusal
    return None


def test_croniter_is_imported_only_when_a_cron_window_is_asked_for() -> None:
    """Reading an expression loads neither croniter nor time zones, which would slow every command's start."""
    program = (
        "import sys; from rotator.schedule import describe, parse_duration, parse_schedule; "
        "schedule = parse_schedule('cron(0 8 1 * ? *)'); describe(schedule); "
        "parse_duration('3h', schedule); sys.exit(bool({'croniter', 'zoneinfo'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
