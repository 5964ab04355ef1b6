"""One call, in a thread: who signed it, what it asks for, what is answered. It knows no connection."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeAlias

from rotator import telemetry
from rotator.access.signed_request import SignedRequest
from rotator.api import shapes, wire
from rotator.api.errors import CLIENT, OURS, Answer, Throttled, UnknownOperation, answer_to
from rotator.api.operations.operation import Given, Held, Operation, Who
from rotator.api.operations.table import OPERATIONS
from rotator.api.parts import ApiParts
from rotator.api.rates import Rates
from rotator.errors import AuthenticationFailed, InvalidRequest, MarkedForDeletion, RotatorError
from rotator.model.caller import Caller
from rotator.sdk import StepError

_TARGET: Final = "secretsmanager."
_UNKNOWN: Final = "unknown"
UNKNOWN_OPERATION: Final = "UnknownOperation"
"""The event of a call that names no operation."""

_NO_TOKEN = "You must provide a ClientRequestToken value. We recommend a UUID-type value."  # noqa: S105  # AWS's words
_FRAMES = 6  # of a fault, in the log

_log = telemetry.logger("api")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back; a value in it isn't shown."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Later:
    """A read that waits for a barrier, while nothing is held for it.

    Attributes:
        again: looks again, in a thread.
        every: seconds between two looks.
        meanwhile: what is answered where the server is about to end; None where it has to wait.
    """

    seconds: float
    again: "Callable[[], Outcome]"
    every: float = 0.02
    meanwhile: Reply | None = None


Outcome: TypeAlias = Reply | Later


def perform(
    request: SignedRequest, target: str | None, *, parts: ApiParts, rates: Rates, request_id: str
) -> Outcome:
    """Answers a call of the Secrets Manager API, whatever comes of it."""
    return Call(request, target, parts, rates, request_id).begin()


@dataclass(slots=True)
class Call:
    """A call of the Secrets Manager API.

    Attributes:
        began: by `perf_counter`.
        caller: once it is known.
    """

    request: SignedRequest
    target: str | None
    parts: ApiParts
    rates: Rates
    request_id: str
    began: float = field(default_factory=perf_counter)
    caller: Caller | None = None

    def begin(self) -> Outcome:
        """All of it."""
        try:
            self.caller = caller = admitted(self.request, parts=self.parts, rates=self.rates)
            operation = self._operation()
            given = self.given(operation)
        except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
            return self.failed(error)
        return self.go_on(operation, {"caller": caller, "request_id": self.request_id}, given)

    def _operation(self) -> Operation:
        name = self._name
        operation = OPERATIONS.get(name)
        if operation is None:
            raise UnknownOperation(
                "There is no such operation. X-Amz-Target names one, as in secretsmanager.GetSecretValue."
            )
        return operation

    def given(self, operation: Operation) -> Given:
        """What is asked for.

        Raises:
            InvalidRequest, SerializationError, ValidationError: the body is none of the operation.
        """
        given = shapes.reader(operation.name)(wire.decode(self.request.body))
        if operation.takes_token and "ClientRequestToken" not in given:
            raise InvalidRequest(_NO_TOKEN)
        return given

    @property
    def _name(self) -> str:
        target = self.target or ""
        return target[len(_TARGET) :] if target.startswith(_TARGET) else ""

    def go_on(self, operation: Operation, who: Who, given: Given) -> Outcome:
        """What is done once the caller is known, and what it asks for."""
        try:
            found = operation.perform(self.parts.rooms, who, given)
            if isinstance(found, Held):
                return Later(found.seconds, lambda: self.go_on(operation, who, given))
            body = wire.encode(found)
        except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
            return self.failed(error)
        self.tell(operation.name, "ok")
        return Reply(200, body)

    def failed(self, error: Exception) -> Reply:
        """The answer where it has ended with an error, which is recorded."""
        name = self._name
        known = name in OPERATIONS
        answer = recorded_answer(
            error,
            self.request,
            parts=self.parts,
            caller=self.caller,
            event=name if known else UNKNOWN_OPERATION,
            request_id=self.request_id,
        )
        # Told apart from others of its code, so that one can be alerted: somebody needs the secret still.
        marked = isinstance(error, MarkedForDeletion)
        outcome = MarkedForDeletion.__name__ if marked else answer.code
        self.tell(name if known else _UNKNOWN, outcome)
        return Reply(answer.status, wire.encode(answer.body()))

    def tell(self, operation: str, outcome: str) -> None:
        """Tells whoever watches the calls how it ended."""
        self.parts.watch.called(operation, outcome, perf_counter() - self.began)


def answer_failure(
    error: Exception,
    request: SignedRequest,
    *,
    parts: ApiParts,
    caller: Caller | None,
    event: str,
    request_id: str,
) -> Reply:
    """The answer to a call that has ended with an error, which is recorded and, where it is ours, told.

    Args:
        caller: None where nobody is known by the request.
    """
    answer = recorded_answer(
        error, request, parts=parts, caller=caller, event=event, request_id=request_id
    )
    return Reply(answer.status, wire.encode(answer.body()))


def recorded_answer(
    error: Exception,
    request: SignedRequest,
    *,
    parts: ApiParts,
    caller: Caller | None,
    event: str,
    request_id: str,
) -> Answer:
    """What is to be said of an error; arguments as `answer_failure` has them."""
    answer = answer_to(error, request_id=request_id)
    if answer.status == CLIENT:
        try:
            _record(error, request, parts=parts, caller=caller, event=event, request_id=request_id)
        except RotatorError as away:  # a refusal that can't be recorded is not told either
            error, answer = away, answer_to(away, request_id=request_id)
    if answer.is_ours:
        _tell_fault(error, request_id=request_id, status=answer.status)
    return answer


def _record(
    error: Exception,
    request: SignedRequest,
    *,
    parts: ApiParts,
    caller: Caller | None,
    event: str,
    request_id: str,
) -> None:
    """Leaves the record of a refusal that no operation has left."""
    if not isinstance(error, RotatorError) or error.recorded:
        return
    if isinstance(error, Throttled):
        return  # recording each would be the load that is kept out
    if caller is not None:
        parts.rooms.manager.record_refusal(error, event=event, caller=caller, request_id=request_id)
    elif isinstance(error, AuthenticationFailed):
        parts.authenticator.record_refusal(
            request,
            error,
            request_id=request_id,
            event=event,
            account=parts.account,
            region=parts.region,
        )


def admitted(request: SignedRequest, *, parts: ApiParts, rates: Rates) -> Caller:
    """Who a request is from, who may call just now.

    Raises:
        AuthenticationFailed: nobody is known by it.
        Throttled: the caller, or its address, calls too often.
        KeyUnavailable, RowAltered, StoreUnavailable: nobody can be told from anyone.
    """
    try:
        caller = parts.authenticator.authenticate(request)
    except AuthenticationFailed as error:
        return admit(error, request, rates=rates)
    return admit(caller, request, rates=rates)


def admit(found: Caller | RotatorError, request: SignedRequest, *, rates: Rates) -> Caller:
    """Who may call just now; raises as `admitted` does.

    Args:
        found: who the request is from, or why that is not known.
    """
    if isinstance(found, Caller):
        rates.admit(found)
        return found
    if isinstance(found, AuthenticationFailed):
        rates.refuse(request.source_ip)
    raise found


def _tell_fault(error: Exception, *, request_id: str, status: int) -> None:
    """Logs what is our fault: what kind of error, and where; a message might quote a value."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    _log.error(
        "request.failed",
        request_id=request_id,
        status=status,
        error=type(error).__name__,
        reason=str(error) if isinstance(error, RotatorError | StepError) else None,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        if status == OURS
        else None,
    )
