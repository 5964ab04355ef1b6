"""When a secret rotates: the rules that a request gives, and what they come to."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rotator.errors import InvalidParameter
from rotator.manager import limits as parameters
from rotator.manager.next_due import Planner, schedule_of
from rotator.model.rules import Limits, Missed
from rotator.schedule import ScheduleError, parse_duration, zone_named
from rotator.schedule.interval import LONGEST_INTERVAL
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRules:
    """When a secret rotates, as a request gives it.

    Attributes:
        schedule_expression: `rate()` or `cron()`.
        automatically_after_days: 1 to 1000, instead of an expression.
        duration: length of the window, such as `3h`.
        timezone: whose clock and days count; None leaves it as it was, `UTC` takes it away.
        missed: what becomes of a missed window; None leaves it as it was.
    """

    schedule_expression: str | None = None
    automatically_after_days: int | None = None
    duration: str | None = None
    timezone: str | None = None
    missed: Missed | None = None


def rules_columns(rules: RotationRules, *, limits: Limits) -> dict[str, Any]:
    """The columns of the rules.

    Raises:
        InvalidParameter: they are no schedule within the limits, or their window does not fit it.
        ValidationError: within AWS's limits, they are not what the API's model says.
    """
    expression, days = rules.schedule_expression, rules.automatically_after_days
    if limits is Limits.AWS:
        parameters.check(
            "RotateSecret",
            RotationRules={
                "AutomaticallyAfterDays": days,
                "Duration": rules.duration,
                "ScheduleExpression": expression,
            },
        )
    if expression is not None and days is not None:
        raise InvalidParameter(
            "You cannot specify both rotation frequency and schedule expression together."
        )
    if days is not None and not 1 <= days <= LONGEST_INTERVAL:
        raise InvalidParameter(f"AutomaticallyAfterDays must be between 1 and {LONGEST_INTERVAL}.")
    try:
        schedule = schedule_of(expression, days, limits=limits)
        if schedule is not None:
            parse_duration(rules.duration, schedule, limits=limits)
        zone_named(rules.timezone, limits=limits)
    except ScheduleError as error:
        raise InvalidParameter(f"The rotation rules can't be used: {error.message}") from None
    if schedule is None and rules.duration is not None:
        raise InvalidParameter(
            "Duration is the length of a rotation window, so it needs a ScheduleExpression or "
            "AutomaticallyAfterDays."
        )
    columns = {
        "schedule_expression": expression,
        "automatically_after_days": days,
        "duration": rules.duration,
    }
    if rules.timezone is not None:
        columns["timezone"] = None if rules.timezone == "UTC" else rules.timezone
    if rules.missed is not None:
        columns["missed"] = str(rules.missed)
    return columns


def due_columns(tx: Tx, before: SecretRow, after: SecretRow, *, planner: Planner) -> dict[str, Any]:
    """The due moment under other rules; nothing where the rules are what they were.

    Raises:
        InvalidParameter: the years of the expression are over.
    """
    rules = attrgetter(
        "rotation_enabled",
        "schedule_expression",
        "automatically_after_days",
        "duration",
        "timezone",
    )
    if rules(before) == rules(after):
        return {}
    timetable = planner.timetable(after, planner.tags_of(tx, after))
    if timetable is not None and timetable.next_window(after=tx.now, anchor=tx.now) is None:
        raise InvalidParameter(
            "The rotation rules can't be used: the years of the expression are over, so no window would ever open."
        )
    return {"rules_at": tx.now, **planner.due_columns(tx, after, rotated_at=tx.now, now=tx.now)}
