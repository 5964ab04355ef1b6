"""Writes of one turn of the event loop, sent together."""

import asyncio
from collections.abc import Callable

from rotator.api.joined import JoinedWrites


class _Sent(asyncio.Transport):
    """A transport that keeps what it is given.

    Attributes:
        pieces: what it was given, with b"" where it was closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.pieces.append(b"")

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return b"" in self.pieces

    def get_write_buffer_size(self) -> int:
        return 0


def _sent(*acts: Callable[[JoinedWrites], None]) -> list[bytes]:
    """What is sent where these things are done, each in a turn of its own."""

    async def in_turns() -> list[bytes]:
        sent = _Sent()
        joined = JoinedWrites(sent, asyncio.get_running_loop())
        for act in acts:
            act(joined)
            await asyncio.sleep(0)
        assert joined.get_write_buffer_size() == 0
        return sent.pieces

    return asyncio.run(in_turns())


def test_what_is_written_in_one_turn_is_sent_at_once() -> None:
    """And in its order; what is written later is sent by itself."""

    def answer(transport: JoinedWrites) -> None:
        transport.write(b"head ")
        transport.write(bytearray(b"body"))
        assert transport.get_write_buffer_size() == 9

    assert _sent(answer, lambda transport: transport.write(b"more")) == [b"head body", b"more"]


def test_what_was_written_goes_out_before_the_end() -> None:
    """A closed connection sends it first, one that is broken off nothing; what comes later is lost."""

    def closing(transport: JoinedWrites) -> None:
        transport.write(b"last")
        transport.close()
        assert transport.is_closing()
        transport.write(b"too late")

    def breaking_off(transport: JoinedWrites) -> None:
        transport.write(b"lost")
        transport.abort()

    assert _sent(closing) == [b"last", b""]
    assert _sent(breaking_off) == [b""]
