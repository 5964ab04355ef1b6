"""A transport that sends together what is written together."""

import asyncio
from typing import Any


class JoinedWrites(asyncio.Transport):
    """Sends all that is written in one turn of the event loop at its end, at once.

    uvicorn writes the head of an answer and its body one after the other: two packets, and two calls of the system at
    either end.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.WriteTransport`."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(bytes(data))

    def send(self, data: bytes) -> None:
        """Sends at once, after what was written before."""
        self._send()
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """See `asyncio.BaseTransport`; what was written is sent before."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """See `asyncio.WriteTransport`."""
        self._pieces.clear()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """See `asyncio.WriteTransport`."""
        return sum(map(len, self._pieces)) + self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See `asyncio.BaseTransport`."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        self._transport.resume_reading()

    def _send(self) -> None:
        if self._pieces:
            data, self._pieces = b"".join(self._pieces), []
            if not self._transport.is_closing():
                self._transport.write(data)
