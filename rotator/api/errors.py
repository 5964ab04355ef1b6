"""How a call that fails is answered: AWS's code, the status, and what may be said of it."""

from typing import Final

from rotator.errors import (
    FencedOut,
    KeyClosed,
    KeyUnavailable,
    PreflightRefused,
    RotationInProgress,
    RotatorError,
    StoreUnavailable,
)
from rotator.sdk import StepError

CLIENT: Final = 400
TOO_LARGE: Final = 413
OURS: Final = 500
AWAY: Final = 503

_INVALID_REQUEST = "InvalidRequestException"
_OUR_FAULT = "InternalServiceError"
_CLOSED: Final = {
    "DecryptionFailure": "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    "EncryptionFailure": "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check "
    "that the KMS key is available, enabled, and not in an invalid state.",
}
_STATE_FORBIDS = (RotationInProgress, PreflightRefused, FencedOut, StepError)
_AWAY = (StoreUnavailable, KeyUnavailable)
_CAPITALISED = frozenset(
    {
        "InvalidParameterException",
        "InvalidRequestException",
        "InvalidNextTokenException",
        "ResourceNotFoundException",
        "ResourceExistsException",
        "MalformedPolicyDocumentException",
        "PublicPolicyException",
        "LimitExceededException",
        "PreconditionNotMetException",
        "DecryptionFailure",
        "EncryptionFailure",
        "InternalServiceError",
        "SerializationException",
    }
)
"""The service's own errors say `Message`; those of the layer before it (signatures, validation, access) `message`."""


class SerializationError(RotatorError):
    """The body of a request is no JSON, or has another type somewhere than the API's model says."""

    code = "SerializationException"


class UnknownOperation(RotatorError):
    """The target of a request names no operation of the service."""

    code = "UnknownOperationException"


class Throttled(RotatorError):
    """More was asked than is answered in such a time."""

    code = "ThrottlingException"


class RequestTooLarge(RotatorError):
    """The body of a request is longer than any that the API takes."""

    code = "RequestEntityTooLargeException"


class PlaintextRefused(RotatorError):
    """The request came without TLS where that is not allowed."""

    code = "AccessDeniedException"


class Answer:
    """How one error is answered.

    Attributes:
        is_ours: somebody who runs the service has to look at it.
    """

    __slots__ = ("code", "is_ours", "message", "status")

    def __init__(self, *, status: int, code: str, message: str, is_ours: bool = False) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.is_ours = is_ours

    def body(self) -> dict[str, str]:
        """The JSON of the answer."""
        key = "Message" if self.code in _CAPITALISED else "message"
        return {"__type": self.code, key: self.message}


def answer_to(error: BaseException, *, request_id: str) -> Answer:
    """How an error is answered. Of what is our fault, nothing is told but where to look."""
    if isinstance(error, KeyClosed):
        # In the service's own words: ours may name a file, or where the keys are.
        return Answer(status=CLIENT, code=error.code, message=_CLOSED[error.code])
    if isinstance(error, _AWAY):
        message = (
            "The store or the sealing keys can't be had just now. Nothing was answered that could not be recorded. "
            f"Try again; the log of the service tells more of request {request_id}."
        )
        return Answer(status=AWAY, code=_OUR_FAULT, message=message, is_ours=True)
    if isinstance(error, _STATE_FORBIDS):
        return Answer(status=CLIENT, code=_INVALID_REQUEST, message=str(error))
    if isinstance(error, RotatorError) and error.code != _OUR_FAULT:
        status = TOO_LARGE if isinstance(error, RequestTooLarge) else CLIENT
        return Answer(status=status, code=error.code, message=str(error))
    message = (
        "An error occurred on the server side. "
        f"Try again, or look for request {request_id} in the log of the service."
    )
    return Answer(status=OURS, code=_OUR_FAULT, message=message, is_ours=True)
