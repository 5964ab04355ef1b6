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

    def by_version(self) -> dict[str, tuple[str, ...]]:
        """Version id → its labels, sorted, for the versions that carry one."""
        return {version_id: self.of(version_id) for version_id in sorted(set(self.at.values()))}

    def _with(self, changes: Mapping[str, str | None]) -> Self:
        merged = {**self.at, **changes}
        kept = {label: version for label, version in merged.items() if version is not None}
        if len(kept) > max(MAX_LABELS, len(self.at)):
            raise LimitExceeded(
                f"You can't attach more than {MAX_LABELS} staging labels to the versions of a "
                "secret. Remove a label that is no longer used first."
            )
        return type(self)(kept)

    def _promotion(self, version_id: str) -> dict[str, str | None]:
        left = self.version(CURRENT)
        return {} if left == version_id else {CURRENT: version_id, PREVIOUS: left}

    def promote(self, version_id: str) -> Self:
        """AWSCURRENT moves to `version_id`, AWSPREVIOUS to the version that it left.

        Raises:
            LimitExceeded: there would be more than 20 labels.
        """
        return self._with(self._promotion(version_id))

    def put(self, version_id: str, stages: Iterable[str] | None = None) -> Self:
        """What PutSecretValue does: AWSCURRENT moves where no stages are named, else the named.

        Raises:
            LimitExceeded: there would be more than 20 labels.
        """
        named = {CURRENT} if stages is None else set(stages)
        promotion = self._promotion(version_id) if CURRENT in named else {}
        return self._with({**promotion, **dict.fromkeys(named, version_id)})

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
            where = "no version" if holder is None else f"version {holder}"
            raise InvalidParameter(
                f"Staging label {label} is not attached to version {remove_from}, which "
                f"RemoveFromVersionId names. It is attached to {where}."
            )
        if to is None and label == CURRENT:
            raise InvalidParameter(
                "You can only move staging label AWSCURRENT to a different secret version. "
                "It can't be completely removed."
            )
        if to is None:
            return self._with({label: None})
        return self.promote(to) if label == CURRENT else self._with({label: to})

    def finish(self, token: str) -> Self:
        """What the end of a rotation does: AWSCURRENT moves to `token`, AWSPENDING goes from it.

        Both at once, so that AWSPREVIOUS has room where there are 20 labels.
        """
        done = {PENDING: None} if self.version(PENDING) == token else {}
        return self._with({**self._promotion(token), **done})

    def without_pending(self, token: str | None = None) -> Self:
        """AWSPENDING is taken off: wherever it is, or from `token` only."""
        holder = self.version(PENDING)
        if holder is None or (token is not None and holder != token):
            return self
        return self._with({PENDING: None})
