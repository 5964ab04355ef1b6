"""How many connections there may be, and how long and large a request may be that comes in on one.

A client that sends slowly, reads slowly, or opens and says nothing costs a connection for a while and nothing else.
uvicorn leaves that to a proxy before it; here there may be none.
"""

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from rotator.api.direct import DirectProtocol
from rotator.api.joined import JoinedWrites

_MOST_HEADERS: Final = 100
_MOST_HEADER_BYTES: Final = 32_768  # of the request line and all headers
_PIECE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one process takes.

    Attributes:
        connections: open at once, from whomever.
        per_address: of them from one address.
        request: seconds for a request to come in, from its first byte; and for a TLS handshake.
        idle: seconds that a connection stays open after an answer.
    """

    connections: int = 1000
    per_address: int = 200
    request: float = 10.0
    idle: float = 65.0


class Listener(socket.socket):
    """A listening socket that takes no more connections than there may be.

    They are counted from the moment they are accepted, since one that never ends its TLS handshake is one, too.
    """

    limits = ConnectionLimits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._from: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """A connection.

        Raises:
            ConnectionAbortedError: it was one too many, and is closed.
        """
        plain, address = super().accept()
        host = address[0]
        if (
            self._from.total() >= self.limits.connections
            or self._from[host] >= self.limits.per_address
        ):
            plain.close()
            raise ConnectionAbortedError
        self._from[host] += 1
        counted = _Counted(plain.family, plain.type, plain.proto, fileno=plain.detach())
        counted.listener, counted.host = self, host
        return counted, address

    def ended(self, host: str) -> None:
        """A connection from there is closed."""
        self._from[host] -= 1
        if self._from[host] <= 0:
            del self._from[host]


class _Counted(socket.socket):
    listener: Listener | None = None
    host = ""

    def close(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.ended(self.host)
        super().close()


class _HeadersTooLarge(Exception):
    """The parser's error for it makes uvicorn refuse the request."""


class BoundedProtocol(DirectProtocol):
    """One connection, on which requests come in whole, in time and of a bounded size, or not at all."""

    limits = ConnectionLimits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._in_headers = False
        self._header_bytes = 0
        self._unparsed = 0
        self._is_broken = False
        self._is_begun = False
        self._has_come_in = False
        self._answered: RequestResponseCycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Opened: the first request has to come in."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request. It is parsed in pieces, to know where what belongs to no body began."""
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing() or self._is_broken:
                return
            self._has_come_in = False
            piece = data[start : start + _PIECE]
            self._unparsed += len(piece)
            super().data_received(piece)
            # A header that never ends is given to nobody; nor is one that is sent after the chunks of a body.
            if self._unparsed > _MOST_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers of the request are too large.")
            # Most requests come in at once, and none is timed that has.
            if self._timer is None and not (self._has_come_in or self._is_broken):
                self._start_timer()

    def send_400_response(self, msg: str) -> None:
        """What came in is no request.

        Where a request before it is still being answered, that answer is the last one: it must not be taken for refused
        while it is done.
        """
        if self._is_answering():
            self._answered.keep_alive = False
            self.pipeline.clear()
            self._stop_timer()
            self._is_broken = True
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_headers, self._header_bytes, self._unparsed = True, 0, 0
        self._has_come_in = False

    def on_url(self, url: bytes) -> None:
        """A piece of what is asked for."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value))
        if len(self.headers) >= _MOST_HEADERS:
            raise _HeadersTooLarge
        # Those after a body are nobody's: what stands before it was looked at already, or is yet to be.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All of them."""
        self._in_headers = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body; whoever reads it counts it."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has come in."""
        self._has_come_in = True
        self._stop_timer()
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came any more; or the answer was not even read."""
        if not self.transport.is_closing():
            self._end()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise _HeadersTooLarge

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.limits.request, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            self.transport.abort()
        elif self.pipeline or self._is_answering():
            self._start_timer()  # what was sent ahead waits for an answer before it
        else:
            self._end()

    def _is_answering(self) -> bool:
        return self._is_begun and not (self._answered.more_body or self._answered.response_complete)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered, self._is_begun = cycle, True
        super()._start_asgi_task(cycle, app)

    def _end(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()
