"""What the engine tells its caller: progress while it runs, a report at the end, plans and verifications."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rotator.model.rotation import Failure, Phase, Status
from rotator.sdk import Finding, Overlap


class ProgressKind(StrEnum):
    """What happened to a step."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One thing that happened in a running rotation.

    Attributes:
        seconds: how long the step took; for WAITING, how long the wait will be.
        message: why it failed, or what a probe showed.
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
        failure: the reason, for every status but SUCCEEDED.
        steps: what this run did, in order.
        resumed: an unfinished rotation was taken up.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `rotate now` would do; nothing was changed.

    Attributes:
        token: the version that a run would take up, None where it would make a new one.
        steps: one sentence a step.
        changes: what setSecret would change on the target, one line a change.
    """

    secret_arn: str
    secret_name: str
    rotator: str
    token: str | None
    resumes: bool
    overlap: Overlap | None
    findings: tuple[Finding, ...]
    changes: tuple[str, ...]
    steps: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProof:
    """What a probe of one labelled version showed: `accepted`, `refused`, or `error` with the message."""

    label: str
    version_id: str
    outcome: str
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the stored credential still logs in.

    Attributes:
        drift: the target refuses AWSCURRENT, or can't be asked.
    """

    secret_arn: str
    secret_name: str
    proofs: tuple[LabelProof, ...]
    drift: bool
    message: str
    hint: str | None = None
