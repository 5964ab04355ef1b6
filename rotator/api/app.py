"""The ASGI application: reads a request, hands it to a thread, sends what comes back.

A call costs one hand-off to a thread and back. A read that a barrier holds back waits here, with no thread, connection
to the store or transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rotator.access.signed_request import Service, SignedRequest
from rotator.api import calls, changes, identity, reads, wire
from rotator.api.calls import Call, Later, Outcome, Reply
from rotator.api.crew import Crew
from rotator.api.direct import Respond
from rotator.api.errors import PlaintextRefused, answer_to
from rotator.api.gathering import Gathering
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts
from rotator.api.rates import Limits, Rates
from rotator.api.replies import DirectAnswer, headers_of, refused
from rotator.api.requests import (
    ClientGone,
    Headers,
    Receive,
    Scope,
    Send,
    new_request_id,
    read_body,
)
from rotator.errors import RotatorError

DEFAULT_THREADS: Final = 16
_READERS: Final = 2
_FORM = "application/x-www-form-urlencoded"
_XML = b"text/xml"
_READS = (b"x-amz-target", reads.TARGET.encode())


class Api:
    """The application. `parts` may be replaced between two calls.

    Attributes:
        is_ending: who waits for a change is answered at once.

    Args:
        threads: calls that are worked on at once.
        refusal: why no call is answered here, None where calls are; monitors are answered all the same.
    """

    def __init__(
        self,
        parts: ApiParts,
        *,
        threads: int = DEFAULT_THREADS,
        limits: Limits | None = None,
        refusal: str | None = None,
    ) -> None:
        self.parts = parts
        self.is_ending = False
        self._refusal = refusal
        self._crew: Crew[Outcome] = Crew(threads, name="rotator-api")
        self._reads: Gathering[Call, Outcome] = Gathering(
            reads.perform,
            threads=_READERS,
            most=reads.MOST,
            patience=reads.PATIENCE,
            name="rotator-reads",
        )
        self._rates = Rates(limits or Limits())
        self._pages = Starlette(
            routes=[
                Route("/", self._query, methods=["GET"]),
                Route("/{path:path}", self._page, methods=["GET"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, as ASGI has it."""
        if scope["type"] != "http":
            return
        if scope["method"] == "POST" and scope["path"] in ("/", changes.PATH):
            await self._post(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def directly(self, scope: Scope, body: bytes, respond: Respond) -> bool:
        """Begins to answer a read that has come in whole; see `rotator.api.direct`."""
        if (
            scope["method"] != "POST"
            or scope["path"] != "/"
            or _READS not in scope["headers"]
            or self._refusal is not None
            or not self.parts.rooms.manager.reads_together
        ):
            return False
        answer = DirectAnswer(self._ended, respond)
        try:
            self._enter()
            headers = Headers.read(scope)
        except RotatorError as error:
            answer.refuse(error)
        else:
            request = _incoming(scope, headers, body, service="secretsmanager")
            call = Call(request, headers.target, self.parts, self._rates, answer.request_id)
            self._reads.hand_in(call, answer)
        return True

    def use(self, rooms: Rooms) -> None:
        """Has calls done with these from now on."""
        before = self.parts.rooms
        self.parts = replace(self.parts, rooms=rooms)
        before.rotations.close()

    def close(self) -> None:
        """Ends the threads, when what they do is done."""
        self._reads.close()
        self._crew.close()
        self.parts.rooms.rotations.close()

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_request_id()
        kind, closes = wire.CONTENT_TYPE, False
        try:
            self._enter()
            headers = Headers.read(scope)
            body = await read_body(receive)
        except ClientGone:
            return
        except RotatorError as error:
            reply = refused(error, request_id)
            closes = True  # what is left of the body is not read
        else:
            if scope["path"] == "/" and headers.target is None and _is_form(headers):
                kind = _XML
                request = _incoming(scope, headers, body, service="sts")
                work: Callable[[], Outcome] = partial(
                    identity.perform,
                    request,
                    parts=self.parts,
                    rates=self._rates,
                    request_id=request_id,
                )
            elif scope["path"] == changes.PATH:
                request = _incoming(scope, headers, body, service="secretsmanager")
                work = partial(
                    changes.perform,
                    request,
                    parts=self.parts,
                    rates=self._rates,
                    request_id=request_id,
                )
            elif headers.target == reads.TARGET and self.parts.rooms.manager.reads_together:
                request = _incoming(scope, headers, body, service="secretsmanager")
                call = Call(request, headers.target, self.parts, self._rates, request_id)
                reply = await self._ended(await self._reads.perform(call))
                await _send(send, reply, kind=kind, request_id=request_id, closes=False)
                return
            else:
                request = _incoming(scope, headers, body, service="secretsmanager")
                work = partial(
                    calls.perform,
                    request,
                    headers.target,
                    parts=self.parts,
                    rates=self._rates,
                    request_id=request_id,
                )
            reply = await self._performed(work)
        await _send(send, reply, kind=kind, request_id=request_id, closes=closes)

    def _enter(self) -> None:
        if self._refusal is not None:
            raise PlaintextRefused(self._refusal)
        self._rates.enter()

    async def _performed(self, work: Callable[[], Outcome]) -> Reply:
        return await self._ended(await self._crew.perform(work))

    async def _ended(self, outcome: Outcome) -> Reply:
        """What is answered in the end."""
        while isinstance(outcome, Later):
            await asyncio.sleep(min(outcome.every, outcome.seconds))
            if self.is_ending and outcome.meanwhile is not None:
                return outcome.meanwhile
            outcome = await self._crew.perform(outcome.again)
        return outcome

    async def _query(self, request: Request) -> Response:
        """GetCallerIdentity comes as a presigned address, too."""
        if "Action" not in request.query_params:
            return _nothing_there()
        request_id = new_request_id()
        try:
            self._enter()
            headers = Headers.read(request.scope)
        except RotatorError as error:
            answer = answer_to(error, request_id=request_id)
            return Response(
                identity.refusal(answer, request_id), answer.status, media_type="text/xml"
            )
        incoming = _incoming(request.scope, headers, b"", service="sts")
        reply = await self._performed(
            partial(
                identity.perform,
                incoming,
                parts=self.parts,
                rates=self._rates,
                request_id=request_id,
            )
        )
        return Response(
            reply.body, reply.status, {"x-amzn-RequestId": request_id}, media_type=_XML.decode()
        )

    async def _page(self, request: Request) -> Response:
        give = self.parts.pages.get(request.url.path)
        if give is None:
            return _nothing_there()
        page = await asyncio.to_thread(give)
        return Response(
            page.body,
            page.status,
            {"Content-Type": page.content_type, "Cache-Control": "no-store"},
        )


def _nothing_there() -> Response:
    return PlainTextResponse("the API is at POST /; there are /livez, /readyz and /metrics\n", 404)


def _is_form(headers: Headers) -> bool:
    return any(name == "content-type" and value.startswith(_FORM) for name, value in headers.all)


def _incoming(scope: Scope, headers: Headers, body: bytes, *, service: Service) -> SignedRequest:
    client = scope.get("client")
    return SignedRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers.all,
        body=body,
        source_ip=None if client is None else client[0],
        secure=scope["scheme"] == "https",
        service=service,
    )


async def _send(send: Send, reply: Reply, *, kind: bytes, request_id: str, closes: bool) -> None:
    headers = headers_of(reply, kind=kind, request_id=request_id)
    if closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


Application = Callable[[Scope, Receive, Send], Awaitable[None]]
