"""When a secret is due next: the columns that the store keeps, from the rules and what they count from. Pure.

Schedules are imported where there is one, since a rotation by hand ends here too and its start-up time counts.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from rotator.model.rules import Limits
from rotator.store.secrets import SecretRow

if TYPE_CHECKING:
    from rotator.schedule import Schedule

NOT_DUE: dict[str, object] = {"window_start": None, "window_end": None, "due_at": None}


def schedule_of(
    expression: str | None, days: int | None, *, limits: Limits = Limits.WIDE
) -> "Schedule | None":
    """The schedule that an expression or a number of days gives, None where there is neither.

    Raises:
        ScheduleError: the expression is not one within the limits.
    """
    if days is not None:
        from rotator.schedule import Rate, Unit

        return Rate(days, Unit.DAYS)
    if expression is not None:
        from rotator.schedule import parse_schedule

        return parse_schedule(expression, limits=limits)
    return None


def rules_of(secret: SecretRow) -> "Schedule | None":
    """The schedule of a secret, None where it rotates on request only.

    Raises:
        ScheduleError: the stored expression is not one.
    """
    return schedule_of(secret.schedule_expression, secret.automatically_after_days)


def anchor_of(secret: SecretRow, *, now: datetime) -> datetime:
    """What a rate counts from: the last rotation, a later value put by hand, or a later change of the rules."""
    return max((at for at in (secret.rotated_at, secret.rules_at) if at is not None), default=now)


def due_columns(secret: SecretRow, *, rotated_at: datetime, now: datetime) -> dict[str, object]:
    """`window_start`, `window_end` and `due_at` of the first window that opens after `now`; None for all without one.

    There is none without rules, and none where the years of a cron expression are over.

    Args:
        secret: with the rules as they are from now on.
        rotated_at: what a rate counts from; at the end of a rotation, `now`.

    Raises:
        ScheduleError: the stored rules are no schedule, or their window's duration does not fit it.
    """
    rules = rules_of(secret) if secret.rotation_enabled and secret.deleted_at is None else None
    if rules is None:
        return dict(NOT_DUE)
    from rotator.schedule import next_window, parse_duration, planned_moment

    duration = parse_duration(secret.duration, rules)
    window = next_window(rules, after=now, anchor=rotated_at, duration=duration)
    if window is None:
        return dict(NOT_DUE)
    return {
        "window_start": window.start,
        "window_end": window.end,
        "due_at": planned_moment(window, key=secret.arn),
    }
