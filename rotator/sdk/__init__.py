"""All that a plugin author imports."""

from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.sdk.errors import (
    AdminLoginRefused,
    FailureKind,
    LoginRefused,
    Misconfigured,
    NotSupported,
    OutcomeUnknown,
    PasswordRefused,
    RevertDegraded,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotator.sdk.keys import (
    DEFAULT_KEY_ALIAS,
    SEALING_KEYS_VARIABLE,
    KeyProvider,
    KeyProviderSettings,
    key_in,
)
from rotator.sdk.notices import Notice, NoticeKind, Notifier
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
    Use,
    clock,
)
from rotator.sdk.rotator import Rotator
from rotator.sdk.scrub import scrub
from rotator.sdk.settings import PasswordSettings, RotatorSettings, SettingInfo, setting
from rotator.sdk.values import SecretValue

__all__ = [
    "DEFAULT_KEY_ALIAS",
    "SEALING_KEYS_VARIABLE",
    "AdminLoginRefused",
    "Authority",
    "Candidate",
    "DecryptionFailure",
    "FailureKind",
    "Finding",
    "KeyProvider",
    "KeyProviderSettings",
    "KeyUnavailable",
    "Level",
    "LoginRefused",
    "Misconfigured",
    "NotSupported",
    "Notice",
    "NoticeKind",
    "Notifier",
    "OutcomeUnknown",
    "Overlap",
    "PasswordPolicy",
    "PasswordRefused",
    "PasswordSettings",
    "Preflight",
    "Proof",
    "RevertDegraded",
    "Rotation",
    "Rotator",
    "RotatorSettings",
    "SecretValue",
    "SettingInfo",
    "StepError",
    "TargetBusy",
    "TargetRefused",
    "TargetUnreachable",
    "Use",
    "clock",
    "key_in",
    "scrub",
    "setting",
]
