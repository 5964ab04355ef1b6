"""STS GetCallerIdentity: the query protocol, answered in XML."""

from time import perf_counter
from typing import Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from rotator.access.signed_request import SignedRequest
from rotator.api.calls import UNKNOWN_OPERATION, Reply, admitted, recorded_answer
from rotator.api.errors import CLIENT, Answer
from rotator.api.parts import ApiParts
from rotator.api.rates import Rates
from rotator.errors import AuthenticationFailed, RotatorError
from rotator.model.caller import Caller

_EVENT: Final = "GetCallerIdentity"
_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
_FORBIDDEN: Final = 403
_MOST_FIELDS: Final = 20


class InvalidAction(RotatorError):
    """The action is none that there is here."""

    code = "InvalidAction"


def perform(request: SignedRequest, *, parts: ApiParts, rates: Rates, request_id: str) -> Reply:
    """Tells who signed the request."""
    began, caller = perf_counter(), None
    try:
        caller = admitted(request, parts=parts, rates=rates)
        _check_action(request)
        parts.rooms.manager.record_call(_EVENT, caller=caller, request_id=request_id)
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
        answer = recorded_answer(
            error,
            request,
            parts=parts,
            caller=caller,
            event=UNKNOWN_OPERATION if isinstance(error, InvalidAction) else _EVENT,
            request_id=request_id,
        )
        if isinstance(error, AuthenticationFailed) and answer.status == CLIENT:
            answer.code, answer.status = error.query_code, _FORBIDDEN
        parts.watch.called(_EVENT, answer.code, perf_counter() - began)
        return Reply(answer.status, refusal(answer, request_id))
    parts.watch.called(_EVENT, "ok", perf_counter() - began)
    return Reply(200, _identity(caller, request_id))


def _check_action(request: SignedRequest) -> None:
    if _action(request) != _EVENT:
        raise InvalidAction(f"The only action of STS here is {_EVENT}.")


def _action(request: SignedRequest) -> str | None:
    try:
        text = request.body.decode("ascii") if request.method == "POST" else request.query
        fields = parse_qs(text, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    return next(iter(fields.get("Action", ())), None)


def _identity(caller: Caller, request_id: str) -> bytes:
    arn = caller.arn or f"arn:aws:iam::{caller.account}:user/{caller.name}"
    return (
        f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>{escape(arn)}</Arn><UserId>{escape(caller.user_id or caller.name)}</UserId>"
        f"<Account>{escape(caller.account)}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ).encode()


def refusal(answer: Answer, request_id: str) -> bytes:
    """The XML of an error."""
    who = "Receiver" if answer.is_ours else "Sender"
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{who}</Type><Code>{escape(answer.code)}</Code>'
        f"<Message>{escape(answer.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
