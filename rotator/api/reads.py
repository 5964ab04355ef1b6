"""GetSecretValue, many calls at once in one thread: they are looked up, opened and recorded together.

Whatever ends otherwise than with a value or a recorded refusal goes on in a thread of its own, as any call does, so
that it holds up nobody else.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from rotator.api import wire
from rotator.api.calls import Call, Later, Outcome, Reply, admit
from rotator.api.operations.operation import Given, Who
from rotator.api.operations.table import OPERATIONS
from rotator.api.operations.values import value_structure
from rotator.errors import RotatorError
from rotator.manager.looking import EVENT, ValueRead
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller

TARGET: Final = f"secretsmanager.{EVENT}"
MOST: Final = 64
"""Reads of one batch: few enough that none of them is old before it is given out."""

PATIENCE: Final = 0.001
"""Seconds that a read waits, at most, for those that were answered together with the one before it."""

_OPERATION = OPERATIONS[EVENT]


def perform(calls: Sequence[Call]) -> Sequence[Outcome]:
    """Answers calls of GetSecretValue, in their order, whatever comes of each."""
    # The newest: another configuration may have come in between.
    parts = calls[-1].parts
    try:
        callers = parts.authenticator.authenticate_all([call.request for call in calls])
    except Exception as error:  # noqa: BLE001  # it is told and answered where any other is
        return [_elsewhere(call, error) for call in calls]
    outcomes: list[Outcome | None] = []
    admitted: list[tuple[Call, Caller, Given]] = []
    for call, found in zip(calls, callers, strict=True):
        try:
            call.caller = caller = admit(found, call.request, rates=call.rates)
            admitted.append((call, caller, call.given(_OPERATION)))
            outcomes.append(None)
        except Exception as error:  # noqa: BLE001  # the same
            outcomes.append(_elsewhere(call, error))
    read = iter(_read(admitted))
    return [next(read) if outcome is None else outcome for outcome in outcomes]


def _read(admitted: Sequence[tuple[Call, Caller, Given]]) -> Sequence[Outcome]:
    if not admitted:
        return ()
    manager = admitted[-1][0].parts.rooms.manager
    reads = [
        ValueRead(
            caller=caller,
            request_id=call.request_id,
            secret_id=given["SecretId"],
            version_id=given.get("VersionId"),
            version_stage=given.get("VersionStage"),
        )
        for call, caller, given in admitted
    ]
    try:
        found = manager.read_secret_values(reads)
    except RotatorError as error:
        return [_elsewhere(call, error) for call, _, _ in admitted]
    except Exception:  # noqa: BLE001  # one of them is to blame: each is read by itself
        return [_alone(*each) for each in admitted]
    return [_outcome(each, result) for each, result in zip(admitted, found, strict=True)]


def _outcome(
    admitted: tuple[Call, Caller, Given], result: SecretValueResult | Delayed | RotatorError
) -> Outcome:
    call = admitted[0]
    if isinstance(result, SecretValueResult):
        call.tell(EVENT, "ok")
        return Reply(200, wire.encode(value_structure(result)))
    if isinstance(result, Delayed):
        return _alone(*admitted, seconds=result.seconds)
    return call.failed(result) if result.recorded else _elsewhere(call, result)


def _elsewhere(call: Call, error: Exception) -> Later:
    """Ends a call with an error; the record of that may be waited for."""
    return Later(0.0, partial(call.failed, error))


def _alone(call: Call, caller: Caller, given: Given, *, seconds: float = 0.0) -> Later:
    who: Who = {"caller": caller, "request_id": call.request_id}
    return Later(seconds, partial(call.go_on, _OPERATION, who, given))
