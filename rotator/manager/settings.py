"""The rotation settings of a secret, between their row and the rooms above."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from rotator.errors import RowAltered
from rotator.model.rotation import LONGEST_GRACE, InUse
from rotator.sdk import Authority
from rotator.store.secrets import SecretRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationOptions:
    """What a person allowed or demanded for the rotations of a secret.

    Attributes:
        require_overlap: refuse an overlap that lets a login fail.
        allow_privileged: a role with administrative rights may be rotated.
        allow_other_server: the admin secret may name another address than the secret does.
        grace: seconds that the old credential goes on logging in after a rotation; None for the default: the
            setting `rotation.grace` where both log in, until the next rotation where two users take turns.
        in_use: what is done where somebody still uses it then; None for the setting `rotation.in_use`.
        settings: the rotator's own settings.
    """

    require_overlap: bool = False
    allow_privileged: bool = False
    allow_other_server: bool = False
    grace: float | None = None
    in_use: InUse | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_column(self) -> dict[str, Any]:
        """The JSON form that the row keeps."""
        return {
            "require_overlap": self.require_overlap,
            "allow_privileged": self.allow_privileged,
            "allow_other_server": self.allow_other_server,
            "settings": dict(self.settings),
            **({} if self.grace is None else {"grace": self.grace}),
            **({} if self.in_use is None else {"in_use": str(self.in_use)}),
        }

    @classmethod
    def from_column(cls, column: Mapping[str, Any] | None) -> Self:
        """The inverse of `to_column`; the defaults where the row has none.

        Raises:
            TypeError, ValueError: it is no such form.
        """
        options = cls(**(column or {}))
        if options.grace is not None and not 0 <= options.grace <= LONGEST_GRACE:
            raise ValueError("no grace period")
        in_use = None if options.in_use is None else InUse(options.in_use)
        return replace(options, in_use=in_use)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSettings:
    """How a secret rotates.

    Attributes:
        rotator: a rotator's name or a RotationLambdaARN.
        schedule_expression: the rules, given as `rate()` or `cron()`; else `automatically_after_days`
            has them; both None: it rotates on request only.
        duration: length of the window, such as `3h`; None for the default.
        timezone: whose clock and days count; None for UTC.
        missed: what becomes of a missed window; None: as the configuration says.
        counts_from: what a rate counts from: the last rotation, a later value put by hand or later rules.
        rotated_at: end of the last successful rotation.
        window_start: of the next window, `window_end` its end (NextRotationDate).
        due_at: the planned moment in that window.
        authority: what a rotation may act on; None: not pinned.
    """

    enabled: bool
    rotator: str
    schedule_expression: str | None
    automatically_after_days: int | None
    duration: str | None
    timezone: str | None
    missed: str | None
    counts_from: datetime | None
    rotated_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    due_at: datetime | None
    authority: Authority | None
    options: RotationOptions

    @property
    def scheduled(self) -> bool:
        """Whether there are rules by which it rotates by itself."""
        return self.schedule_expression is not None or self.automatically_after_days is not None


def rotation_settings(secret: SecretRow) -> RotationSettings | None:
    """The rotation settings in a row, None where rotation was never configured."""
    return None if secret.rotator is None else settings_of(secret, rotator=secret.rotator)


def settings_of(secret: SecretRow, *, rotator: str) -> RotationSettings:
    """The rotation settings in a row that has this rotator."""
    return RotationSettings(
        enabled=secret.rotation_enabled,
        rotator=rotator,
        schedule_expression=secret.schedule_expression,
        automatically_after_days=secret.automatically_after_days,
        duration=secret.duration,
        timezone=secret.timezone,
        missed=secret.missed,
        counts_from=max(
            (at for at in (secret.rotated_at, secret.rules_at) if at is not None), default=None
        ),
        rotated_at=secret.rotated_at,
        window_start=secret.window_start,
        window_end=secret.window_end,
        due_at=secret.due_at,
        authority=pinned_authority(secret),
        options=rotation_options(secret),
    )


def rotation_options(secret: SecretRow) -> RotationOptions:
    """What a person allowed or demanded for the rotations of the secret.

    Raises:
        RowAltered: the row says what nobody can have.
    """
    try:
        return RotationOptions.from_column(secret.rotation_options)
    except (TypeError, ValueError):
        raise _altered(secret, "what was allowed for its rotations") from None


def pinned_authority(secret: SecretRow) -> Authority | None:
    """The authority that `rotation set` pinned, None where it pinned none.

    Raises:
        RowAltered: it is none that can be pinned.
    """
    if secret.authority is None:
        return None
    try:
        return Authority(**{**secret.authority, "users": tuple(secret.authority["users"])})
    except (KeyError, TypeError):
        raise _altered(secret, "what its rotations may act on") from None


def _altered(secret: SecretRow, what: str) -> RowAltered:
    return RowAltered(
        f"The row of the secret {secret.name} in the store was altered: {what} can't be read. Nothing was changed. "
        "Restore the row from a backup of the store, or set its rotation again: rotate rotation set"
    )


def authority_column(authority: Authority) -> dict[str, Any]:
    """The JSON form of an authority; `pinned_authority` is its inverse."""
    return asdict(authority)
