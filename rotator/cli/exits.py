"""Exit codes: what every outcome and every error means to a script."""

from collections.abc import Iterable
from enum import IntEnum

from rotator import errors
from rotator.model.rotation import Status
from rotator.sdk import StepError


class ExitCode(IntEnum):
    """What `rotate` exits with."""

    DONE = 0
    FAILED = 1  # the rotation failed and the target is as before
    USAGE = 2  # wrong usage or configuration
    NOT_FOUND = 3  # no such secret or rotator
    RUNNING = 4  # a rotation of it is already running
    SOME_FAILED = 5  # some of several failed
    NEEDS_PERSON = 6  # diverged, degraded or unretired
    REFUSED = 7  # drift found, or preflight says no
    UNAVAILABLE = 8  # store or key not available
    DENIED = 9  # not allowed; of a simulation: it would not be
    UNVERIFIED = 10


INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended."""

_OF_ERROR: tuple[tuple[type[Exception], ExitCode], ...] = (
    (errors.ResourceNotFound, ExitCode.NOT_FOUND),
    (errors.RotationInProgress, ExitCode.RUNNING),
    (errors.FencedOut, ExitCode.RUNNING),
    (errors.PreflightRefused, ExitCode.REFUSED),
    (errors.StoreUnavailable, ExitCode.UNAVAILABLE),
    (errors.KeyUnavailable, ExitCode.UNAVAILABLE),
    (errors.DecryptionFailure, ExitCode.UNAVAILABLE),
    (errors.AccessDenied, ExitCode.DENIED),
    (errors.InvalidParameter, ExitCode.USAGE),
    (errors.InvalidRequest, ExitCode.USAGE),
    (errors.ValidationError, ExitCode.USAGE),
    (errors.ConfigurationError, ExitCode.USAGE),
    (errors.ResourceExists, ExitCode.USAGE),
    (errors.LimitExceeded, ExitCode.USAGE),
    (errors.MalformedPolicyDocument, ExitCode.USAGE),
    (errors.PublicPolicy, ExitCode.USAGE),
    (StepError, ExitCode.USAGE),  # outside a rotation: the secret's value doesn't fit the rotator
)

_OF_STATUS = {
    Status.SUCCEEDED: ExitCode.DONE,
    Status.FAILED: ExitCode.FAILED,
    Status.ABANDONED: ExitCode.FAILED,
    Status.GRACE: ExitCode.DONE,
    Status.UNRETIRED: ExitCode.NEEDS_PERSON,
    Status.DIVERGED: ExitCode.NEEDS_PERSON,
    Status.DEGRADED: ExitCode.NEEDS_PERSON,
    Status.UNVERIFIED: ExitCode.UNVERIFIED,
    Status.RUNNING: ExitCode.RUNNING,
    Status.WAITING: ExitCode.RUNNING,
    Status.ABANDONING: ExitCode.RUNNING,
}

_GRAVEST = (ExitCode.NEEDS_PERSON, ExitCode.UNVERIFIED)


def of_error(error: Exception) -> ExitCode:
    """The code of an error; FAILED for one that nobody foresaw."""
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), ExitCode.FAILED)


def of_status(status: Status) -> ExitCode:
    """The code of how a rotation ended."""
    return _OF_STATUS[status]


def of_abort(status: Status) -> ExitCode:
    """The code of how a rotation ended that was to be given up: the target as before is what was asked for."""
    given_up = {Status.FAILED, Status.ABANDONED}
    return ExitCode.DONE if status in given_up else of_status(status)


def of_all(codes: Iterable[ExitCode]) -> ExitCode:
    """The code of several together.

    What needs a person wins, then what is unverified; else the code that all have in common, else
    that some failed.
    """
    found = set(codes) or {ExitCode.DONE}
    for code in _GRAVEST:
        if code in found:
            return code
    return found.pop() if len(found) == 1 else ExitCode.SOME_FAILED
