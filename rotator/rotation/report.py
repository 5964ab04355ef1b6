"""What the engine tells its caller about a rotation: progress while it runs, a report at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rotator.model.rotation import Failure, Phase, Status
from rotator.sdk import Overlap, Use


class ProgressKind(StrEnum):
    """What happened to a step."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    SKIPPED = "skipped"  # the rotator has no way to do it, and it goes on without


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One thing that happened in a running rotation.

    Attributes:
        seconds: how long the step took; for WAITING, how long the wait will be.
        message: why it failed or was skipped, or what a probe or a step of the retirement showed.
    """

    secret_name: str
    rotation_id: str
    phase: Phase
    attempt: int
    kind: ProgressKind
    seconds: float | None = None
    message: str | None = None
    hint: str | None = None


Observer = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """The observer that looks away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as it went; `outcome` is `ok`, what a probe showed, or the class of the failure."""

    phase: Phase
    attempt: int
    outcome: str
    seconds: float
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a rotation ended.

    Attributes:
        attempts: tries that it took.
        failure: the reason, for every status but SUCCEEDED; there a warning, or None.
        steps: what this run did, in order.
        resumed: an unfinished rotation was taken up.
        retire_at: when the grace period of the old credential ends, or its users are looked for again; None where it
            has ended, or where nothing but the next rotation ends it.
        in_use: the sessions that used the old credential when it was to be retired, as far as the target can tell.
        only_tested: it was no rotation, but testSecret alone, on a temporary version with the current value.
    """

    secret_arn: str
    secret_name: str
    rotation_id: str
    token: str
    status: Status
    attempts: int
    overlap: Overlap | None
    failure: Failure | None
    steps: tuple[StepRecord, ...]
    labels_before: Mapping[str, str]
    labels_after: Mapping[str, str]
    resumed: bool
    retire_at: datetime | None = None
    in_use: tuple[Use, ...] = ()
    only_tested: bool = False
