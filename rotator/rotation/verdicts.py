"""What the engine tells its caller where it looked without changing anything: plans and verifications."""

from dataclasses import dataclass

from rotator.sdk import Finding, Overlap


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


UNSUPPORTED = "unsupported"
"""The outcome where the rotator can't tell which value lives, so that there is nothing to be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProof:
    """What a probe of one labelled version showed: `accepted`, `refused`, `unsupported` or `error`, and why."""

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
