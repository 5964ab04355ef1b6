"""The label algebra: which version carries which staging label, and what every operation makes of it.

Rules: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version and the API
reference of PutSecretValue and UpdateSecretVersionStage. A label is on one version at most, by construction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from rotator.errors import InvalidParameter, LimitExceeded

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
MAX_LABELS = 20


@dataclass(frozen=True, slots=True)
class Labels:
    """The staging labels of one secret: label → version id."""

    at: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", MappingProxyType(dict(self.at)))

    def version(self, label: str) -> str | None:
        """The version that carries `label`, or None."""
        return self.at.get(label)

    def of(self, version_id: str) -> tuple[str, ...]:
        """The labels on a version, sorted."""
        return tuple(sorted(label for label, version in self.at.items() if version == version_id))

    def _with(self, changes: Mapping[str, str | None]) -> Self:
        merged = {**self.at, **changes}
        kept = {label: version for label, version in merged.items() if version is not None}
        if len(kept) > MAX_LABELS:
            raise LimitExceeded(
                f"You can't attach more than {MAX_LABELS} staging labels to the versions of a secret. "
                "Remove a label that is no longer used first."
            )
        return type(self)(kept)

    def promote(self, version_id: str) -> Self:
        """AWSCURRENT moves to `version_id`, AWSPREVIOUS to the version that it left."""
        left = self.version(CURRENT)
        if left == version_id:
            return self
        return self._with({CURRENT: version_id, PREVIOUS: left})

    def put(self, version_id: str, stages: Iterable[str] | None = None) -> Self:
        """What PutSecretValue does: AWSCURRENT moves where no stages are named, else the named ones move."""
        named = frozenset(stages) if stages is not None else frozenset({CURRENT})
        moved = self.promote(version_id) if CURRENT in named else self
        return moved._with({label: version_id for label in named - {CURRENT}})

    def first(self, version_id: str, stages: Iterable[str] | None = None) -> Self:
        """What the first value of a secret gets: AWSCURRENT always, and what is named."""
        return self.put(version_id, {CURRENT, *(stages or ())})

    def move(self, label: str, *, to: str | None, remove_from: str | None) -> Self:
        """What UpdateSecretVersionStage does.

        Raises:
            InvalidParameter: the label is elsewhere than `remove_from` says, or AWSCURRENT would be on no version.
        """
        holder = self.version(label)
        if holder is not None and holder != to and remove_from is None:
            raise InvalidParameter(
                f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to "
                f"version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )
        if remove_from is not None and holder != remove_from:
            raise InvalidParameter(
                f"The staging label {label} is not attached to version {remove_from}. It is attached to {holder}."
                if holder is not None
                else f"The staging label {label} is not attached to any version, so it can't be removed from {remove_from}."
            )
        if to is None:
            if label == CURRENT:
                raise InvalidParameter(
                    "You can't remove the staging label AWSCURRENT without moving it to another version. "
                    "Name the version that shall carry it in MoveToVersionId."
                )
            return self._with({label: None})
        return self.promote(to) if label == CURRENT else self._with({label: to})

    def finish(self, token: str) -> Self:
        """What the end of a rotation does: AWSCURRENT moves to `token`, and AWSPENDING goes from it."""
        return self.promote(token).without_pending(token)

    def without_pending(self, token: str | None = None) -> Self:
        """AWSPENDING is taken off: wherever it is, or from `token` only."""
        holder = self.version(PENDING)
        if holder is None or (token is not None and holder != token):
            return self
        return self._with({PENDING: None})
