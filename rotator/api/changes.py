"""`POST /v1/changes`: a long poll for caches. Signed like every call of the API; no operation of the real service.

The body is `{"Secrets": {SecretId: VersionId, …}, "WaitSeconds": 20}`; the answer, `{"Changed": [SecretId, …]}`, comes
as soon as AWSCURRENT of one of them is another version, or with none when the time is over. No value is ever in it.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from rotator.access.signed_request import SignedRequest
from rotator.api import wire
from rotator.api.calls import Later, Outcome, Reply, answer_failure
from rotator.api.errors import SerializationError
from rotator.api.parts import ApiParts
from rotator.api.rates import Rates
from rotator.errors import RotatorError
from rotator.manager.watching import WATCH, Watch

PATH: Final = "/v1/changes"
LONGEST_WAIT: Final = 20.0
LOOK_EVERY: Final = 0.2
"""Seconds between two looks at what is watched."""


def perform(request: SignedRequest, *, parts: ApiParts, rates: Rates, request_id: str) -> Outcome:
    """Answers a poll, whatever comes of it."""
    caller = None
    try:
        caller = parts.authenticator.authenticate(request)
        rates.admit(caller)
        known, wait = _read(wire.decode(request.body))
        ends = monotonic() + wait
        manager = parts.rooms.manager
        watch = manager.watch_secrets(caller=caller, request_id=request_id, known=known)
        return _answer(
            watch.changed, ends=ends, again=lambda: _look(parts, watch, ends, request_id)
        )
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
        return answer_failure(
            error, request, parts=parts, caller=caller, event=WATCH, request_id=request_id
        )


def _look(parts: ApiParts, watch: Watch, ends: float, request_id: str) -> Outcome:
    try:
        changed = parts.rooms.manager.look_again(watch)
    except RotatorError:  # the store is away: whoever asks again is told
        changed = ()
        ends = 0.0
    return _answer(changed, ends=ends, again=lambda: _look(parts, watch, ends, request_id))


def _answer(changed: tuple[str, ...], *, ends: float, again: Callable[[], Outcome]) -> Outcome:
    reply = Reply(200, wire.encode({"Changed": changed}))
    if changed or monotonic() >= ends:
        return reply
    return Later(ends - monotonic(), again, every=LOOK_EVERY, meanwhile=reply)


def _read(body: Any) -> tuple[dict[str, str], float]:
    match body:
        case {"Secrets": dict(secrets)} if all(isinstance(one, str) for one in secrets.values()):
            wait = body.get("WaitSeconds", LONGEST_WAIT)
            if isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0:
                return secrets, min(float(wait), LONGEST_WAIT)
    raise SerializationError(
        'The body of the request is not {"Secrets": {SecretId: VersionId}, "WaitSeconds": seconds}.'
    )
