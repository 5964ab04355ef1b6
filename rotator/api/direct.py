"""A shorter way through uvicorn: a request that has come in whole is answered without a task.

ASGI's way costs a task, an event, two messages in and two out for each request, which together are more than a read of
a secret. What takes its time to come in, was sent ahead, or is none of the application's direct requests goes that way.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from rotator.api.joined import JoinedWrites
from rotator.api.requests import Scope

RawHeaders: TypeAlias = Iterable[tuple[bytes, bytes]]


class Respond(Protocol):
    """Sends the answer to one request, in the thread of the event loop."""

    def __call__(self, status: int, headers: RawHeaders, body: bytes, *, closes: bool) -> None:
        """Sends it, once; nothing where nobody is there any more.

        Args:
            headers: with the length of the body.
            closes: nothing more is read from the connection.
        """
        ...


Direct: TypeAlias = Callable[[Scope, bytes, Respond], bool]
"""Begins to answer a request with its body; False where it is to be answered as ASGI has it."""


class DirectProtocol(HttpToolsProtocol):
    """One connection, on which what the application takes directly is answered directly."""

    direct: Direct | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_parsing = False
        self._begun: tuple[RequestResponseCycle, Any] | None = None

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        self._is_parsing = True
        super().data_received(data)
        self._is_parsing = False
        if self._begun is not None:
            (cycle, app), self._begun = self._begun, None
            if not self._is_taken(cycle):
                super()._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_parsing:
            self._begun = cycle, app  # the headers are there; the body may be among the same data
        else:
            super()._start_asgi_task(cycle, app)

    def _is_taken(self, cycle: RequestResponseCycle) -> bool:
        """Whether the application answers it directly; who doesn't read what was sent before has to wait."""
        if self.direct is None or cycle.more_body or self.flow.write_paused:
            return False

        def respond(status: int, headers: RawHeaders, body: bytes, *, closes: bool) -> None:
            self._respond(cycle, status, headers, body, closes=closes)

        return self.direct(cast("Scope", cycle.scope), bytes(cycle.body), respond)

    def _respond(
        self,
        cycle: RequestResponseCycle,
        status: int,
        headers: RawHeaders,
        body: bytes,
        *,
        closes: bool,
    ) -> None:
        if cycle.disconnected:
            return
        ends = closes or not cycle.keep_alive
        pieces = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            pieces += (name, b": ", value, b"\r\n")
        pieces += (b"connection: close\r\n\r\n" if ends else b"\r\n", body)
        cycle.response_started = cycle.response_complete = True
        cast("JoinedWrites", self.transport).send(b"".join(pieces))
        if ends:
            self.transport.close()
        self.on_response_complete()
