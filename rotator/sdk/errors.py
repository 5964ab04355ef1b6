"""How a rotator tells the engine what went wrong: the class of an error decides what the engine may do next.

What matters is what is known about the target. After `TargetRefused`, `TargetBusy`, `TargetUnreachable` and
`Misconfigured` nothing was changed; after `OutcomeUnknown`, and after any other exception, a change may have happened.
"""

from enum import StrEnum
from typing import Any, ClassVar


class FailureKind(StrEnum):
    """The class of a step's failure, as it is stored and shown."""

    REFUSED = "refused"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    MISCONFIGURED = "misconfigured"
    UNSUPPORTED = "unsupported"
    DEGRADED = "degraded"
    POLICY = "policy"
    BUG = "bug"


class StepError(Exception):
    """A step failed for a reason that the rotator understood.

    Args:
        message: what happened, in the words of the target's administrator, without any secret value.
        hint: what to do next: a statement, a setting, a command.
    """

    kind: ClassVar[FailureKind]

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_wire(self) -> dict[str, Any]:
        """A JSON-ready form, for the pipe between a rotator's process and the engine."""
        return {
            "error": type(self).__name__,
            "message": str(self.message),
            "hint": None if self.hint is None else str(self.hint),
        }


class TargetRefused(StepError):
    """The target answered with a definite no: nothing was changed. Retried once, since a person may be mending it."""

    kind = FailureKind.REFUSED


class PasswordRefused(TargetRefused):
    """setSecret: the target refused the new password by its policy, and nothing there has it, of an earlier try either.

    The engine gives the value up and goes on at createSecret within the same attempts; `Rotation.strictness` counts the
    values that were refused. Where an earlier change may have happened it is as `TargetRefused`.
    """

    kind = FailureKind.POLICY


class LoginRefused(TargetRefused):
    """The target refused the secret's own credential."""


class AdminLoginRefused(TargetRefused):
    """The target refused the admin secret's credential; the engine reads the admin secret again once."""


class TargetBusy(StepError):
    """The target refused for a reason that passes by itself (a concurrent change, too many connections)."""

    kind = FailureKind.BUSY


class TargetUnreachable(StepError):
    """No connection was made, so nothing was sent: nothing was changed."""

    kind = FailureKind.UNREACHABLE


class OutcomeUnknown(StepError):
    """The connection was lost or the time ran out after a change may have been sent."""

    kind = FailureKind.UNKNOWN


class Misconfigured(StepError):
    """The secret, its settings or the target are set up so that no retry can help."""

    kind = FailureKind.MISCONFIGURED


class NotSupported(StepError):
    """This rotator can't probe, or can't revert."""

    kind = FailureKind.UNSUPPORTED


class RevertDegraded(StepError):
    """The target was put back, but the current value lives on only as its second password."""

    kind = FailureKind.DEGRADED


_KINDS: dict[str, type[StepError]] = {
    kind.__name__: kind
    for kind in (
        TargetRefused,
        PasswordRefused,
        LoginRefused,
        AdminLoginRefused,
        TargetBusy,
        TargetUnreachable,
        OutcomeUnknown,
        Misconfigured,
        NotSupported,
        RevertDegraded,
    )
}


def step_error_from_wire(wire: dict[str, Any]) -> StepError:
    """The error that `StepError.to_wire` described; a class that is not the SDK's comes back as `OutcomeUnknown`."""
    kind = _KINDS.get(str(wire.get("error")), OutcomeUnknown)
    hint = wire.get("hint")
    return kind(str(wire.get("message")), hint=None if hint is None else str(hint))
