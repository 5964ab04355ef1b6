"""What somebody is to be told without having asked, and the protocol of those who pass it on (`rotator.notifiers`)."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

FORMAT = 1
"""Grows where a field changes its meaning; further fields may come without that."""


class NoticeKind(StrEnum):
    """What a person has to know."""

    FAILED = "rotation.failed"  # until its next window; the target is as before
    DIVERGED = "rotation.diverged"
    DEGRADED = "rotation.degraded"
    UNVERIFIED = "rotation.unverified"
    UNRETIRED = "rotation.unretired"  # the old credential may still log in
    REFUSED = "rotation.refused"  # what is due can't begin, or was broken off; it is tried again
    DRIFT = "drift.found"  # the target refuses what is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event. No field ever holds a value of a secret.

    Attributes:
        target: host and port, where they are known.
        rotation: its id; None where none was under way.
        reason: what happened and what it means.
        hint: what to do next.
    """

    kind: NoticeKind
    at: datetime
    secret_name: str
    secret_arn: str
    rotator: str
    target: str | None = None
    rotation: str | None = None
    reason: str | None = None
    hint: str | None = None

    def to_json(self) -> bytes:
        """One JSON object in UTF-8: `format`, and each attribute by its name."""
        fields = asdict(self) | {"kind": str(self.kind), "at": self.at.isoformat()}
        return json.dumps({"format": FORMAT} | fields, ensure_ascii=False).encode()


class Notifier(Protocol):
    """Passes notices on."""

    def notify(self, notice: Notice, *, deadline: float) -> None:
        """Passes one on; it may be asked again for the same one.

        Args:
            deadline: a reading of `clock()` by which it gives up.

        Raises:
            StepError: it could not.
        """
        ...
