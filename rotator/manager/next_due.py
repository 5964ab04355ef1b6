"""When a secret is due next: the columns that the store keeps, from the rules and what they count from.

Schedules are imported where there is one, since a rotation by hand ends here too and its start-up time counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from rotator.model.rules import Limits, Missed
from rotator.store import tags
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

if TYPE_CHECKING:
    from rotator.schedule import Calendar, Due, Schedule, Timetable

NOT_DUE: dict[str, object] = {
    "window_start": None,
    "window_end": None,
    "due_at": None,
    "due_basis": None,
}
_NO_TAGS: Mapping[str, str] = {}
_BASIS = "1"
"""Changes with the way in which due times are worked out."""
_PARTS = 4  # of a basis


class Rules(Protocol):
    """When a secret rotates, as its row and its settings say it."""

    @property
    def schedule_expression(self) -> str | None:
        """`rate()` or `cron()`."""
        ...

    @property
    def automatically_after_days(self) -> int | None:
        """Days, instead of an expression."""
        ...

    @property
    def duration(self) -> str | None:
        """Length of the windows; None for the default."""
        ...

    @property
    def timezone(self) -> str | None:
        """Whose clock and days count; None for UTC."""
        ...


def _no_calendars() -> "tuple[Calendar, ...]":
    return ()


@dataclass(frozen=True)
class Planner:
    """Works out due times, by the settings of one process. It reads files and the data of zones once.

    Attributes:
        limits: which schedules may be set.
        missed: what becomes of a missed window where the secret's own rules don't say.
        catch_up: the time over which missed rotations are spread.
        calendars_digest: of all that says when blackouts are; empty without any.
        load_calendars: gives the blackouts, when they are first needed.
    """

    limits: Limits = Limits.WIDE
    missed: Missed = Missed.AUTO
    catch_up: timedelta = timedelta(minutes=15)
    calendars_digest: str = ""
    load_calendars: "Callable[[], tuple[Calendar, ...]]" = _no_calendars
    _zone_digests: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def calendars(self) -> "tuple[Calendar, ...]":
        """The blackouts of all secrets."""
        return self.load_calendars()

    def check(self) -> None:
        """Nothing, where due times can be worked out.

        Raises:
            ConfigurationError: the file of a calendar is none.
        """
        _ = self.calendars

    @cached_property
    def minds_tags(self) -> bool:
        """Whether a blackout depends on a secret's tags."""
        return bool(self.calendars_digest) and any(calendar.tags for calendar in self.calendars)

    def tags_of(self, tx: Tx, secret: SecretRow) -> Mapping[str, str]:
        """The tags of a secret, where blackouts mind them."""
        if not self.minds_tags:
            return _NO_TAGS
        return tags.load_many(tx, [secret.id]).get(secret.id, _NO_TAGS)

    def due_columns(
        self, tx: Tx, secret: SecretRow, *, rotated_at: datetime, now: datetime
    ) -> dict[str, object]:
        """As `due_columns`, around the blackouts of the secret."""
        return due_columns(
            secret, rotated_at=rotated_at, now=now, planner=self, tags=self.tags_of(tx, secret)
        )

    def due_anew(self, tx: Tx, secret: SecretRow, *, now: datetime) -> dict[str, object]:
        """The columns of the window that takes the place of the stored one, by what holds now, or after it was missed.

        Raises:
            ScheduleError: the stored rules are no schedule, or their window's duration does not fit it.
        """
        timetable = self.timetable(secret, self.tags_of(tx, secret))
        if timetable is None:
            return dict(NOT_DUE)
        from rotator.schedule import Window, due_after_missing, due_anew

        anchor = anchor_of(secret, now=now)
        stored: Window | None = None
        if secret.window_start is not None and secret.window_end is not None:
            stored = Window(secret.window_start, secret.window_end)
        if stored is None or (stored.end > now and not catches_up(secret)):
            due = due_anew(timetable, stored, now=now, anchor=anchor)
        else:
            missed = self.missed if secret.missed is None else Missed(secret.missed)
            due = due_after_missing(
                timetable, now=now, anchor=anchor, missed=missed, catch_up=self.catch_up
            )
        return self.columns(secret, due)

    def is_closed(self, tx: Tx, secret: SecretRow, *, now: datetime) -> bool:
        """Whether a blackout of the secret is on.

        Raises:
            ScheduleError: the stored rules are no schedule, or their window's duration does not fit it.
        """
        if not self.calendars_digest:
            return False
        timetable = self.timetable(secret, self.tags_of(tx, secret))
        if timetable is None:
            return False
        from rotator.schedule import Window

        instant = Window(now, now + timedelta(microseconds=1))
        return bool(timetable.blackouts.closed(instant))

    def timetable(self, secret: SecretRow, tags: Mapping[str, str]) -> "Timetable | None":
        """By what a secret rotates; None where it rotates on request only, or not at all.

        Raises:
            ScheduleError: the stored rules are no schedule, or their window's duration does not fit it.
        """
        if not secret.rotation_enabled or secret.deleted_at is not None:
            return None
        return self.timetable_of(secret, arn=secret.arn, tags=tags)

    def timetable_of(
        self, given: Rules, *, arn: str, tags: Mapping[str, str]
    ) -> "Timetable | None":
        """By what a secret with these rules rotates; None without any.

        Raises:
            ScheduleError: they are no schedule, or their window's duration does not fit it.
        """
        rules = schedule_of(given.schedule_expression, given.automatically_after_days)
        if rules is None:
            return None
        from rotator.schedule import Blackouts, Timetable, parse_duration, zone_named

        return Timetable(
            schedule=rules,
            duration=None if given.duration is None else parse_duration(given.duration, rules),
            zone=zone_named(given.timezone),
            key=arn,
            blackouts=Blackouts(
                tuple(calendar for calendar in self.calendars if calendar.applies_to(tags))
            ),
        )

    def basis(self, timezone: str | None, *, catches_up: bool = False) -> str:
        """What the due time of a secret in this zone is worked out from, besides its own rules.

        It is stored with the due time: where it has changed, the due time is worked out again.
        """
        zone = "-" if timezone is None else f"{timezone}={self._zone_digest(timezone)}"
        kind = "catch-up" if catches_up else "window"
        return f"{_BASIS}|{kind}|{self.calendars_digest or '-'}|{zone}"

    def is_current(self, basis: str) -> bool:
        """Whether due times with this basis are as they would be worked out now.

        They are left as they are where their zone is not there any more.
        """
        parts = basis.split("|")
        if len(parts) != _PARTS or parts[0] != _BASIS:
            return False
        _, kind, _, zone = parts
        timezone = None if zone == "-" else zone.partition("=")[0]
        try:
            return basis == self.basis(timezone, catches_up=kind == "catch-up")
        except ValueError:
            return True

    def as_it_holds(self, tx: Tx, secret: SecretRow) -> SecretRow:
        """The row with the due time that it has by what holds now, which may not be stored yet."""
        if secret.due_basis is None or self.is_current(secret.due_basis):
            return secret
        try:
            due = self.due_anew(tx, secret, now=tx.now)
        except ValueError:  # the row was altered
            return secret
        return secret._replace(**cast("dict[str, Any]", due))

    def _zone_digest(self, timezone: str) -> str:
        if timezone not in self._zone_digests:
            from rotator.schedule import zone_digest

            self._zone_digests[timezone] = zone_digest(timezone)
        return self._zone_digests[timezone]

    def columns(self, secret: SecretRow, due: "Due | None") -> dict[str, object]:
        """The columns of a due time; None where no window has an allowed moment."""
        if due is None:
            return {**NOT_DUE, "due_basis": self.basis(secret.timezone)}
        return {
            "window_start": due.window.start,
            "window_end": due.window.end,
            "due_at": due.moment,
            "due_basis": self.basis(secret.timezone, catches_up=due.catches_up),
        }


def catches_up(secret: SecretRow) -> bool:
    """Whether the stored window makes up for one that was missed."""
    return secret.due_basis is not None and secret.due_basis.startswith(f"{_BASIS}|catch-up|")


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


def due_columns(
    secret: SecretRow,
    *,
    rotated_at: datetime,
    now: datetime,
    planner: Planner | None = None,
    tags: Mapping[str, str] = _NO_TAGS,
) -> dict[str, object]:
    """The columns of the first window that opens after `now` and has an allowed moment; None for all without one.

    There is none without rules, where the years of a cron expression are over, and where blackouts close every window.

    Args:
        secret: with the rules as they are from now on.
        rotated_at: what a rate counts from; at the end of a rotation, `now`.
        tags: of the secret, where the planner minds them.

    Raises:
        ScheduleError: the stored rules are no schedule, or their window's duration does not fit it.
    """
    planner = planner or Planner()
    timetable = planner.timetable(secret, tags)
    if timetable is None:
        return dict(NOT_DUE)
    from rotator.schedule import next_due

    return planner.columns(secret, next_due(timetable, after=now, anchor=rotated_at))
