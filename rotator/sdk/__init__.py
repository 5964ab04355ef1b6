"""All that a plugin author imports."""

from rotator.sdk.errors import (
    AdminLoginRefused,
    FailureKind,
    LoginRefused,
    Misconfigured,
    NotSupported,
    OutcomeUnknown,
    RevertDegraded,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotator.sdk.keys import KeyProvider
from rotator.sdk.overlap import Overlap
from rotator.sdk.passwords import PasswordPolicy
from rotator.sdk.rotation import (
    Authority,
    Candidate,
    Finding,
    Level,
    Preflight,
    Proof,
    Rotation,
    clock,
)
from rotator.sdk.rotator import Rotator
from rotator.sdk.values import SecretValue

__all__ = [
    "AdminLoginRefused",
    "Authority",
    "Candidate",
    "FailureKind",
    "Finding",
    "KeyProvider",
    "Level",
    "LoginRefused",
    "Misconfigured",
    "NotSupported",
    "OutcomeUnknown",
    "Overlap",
    "PasswordPolicy",
    "Preflight",
    "Proof",
    "RevertDegraded",
    "Rotation",
    "Rotator",
    "SecretValue",
    "StepError",
    "TargetBusy",
    "TargetRefused",
    "TargetUnreachable",
    "clock",
]
