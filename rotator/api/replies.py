"""Replies as they are sent: with ASGI's messages, or directly."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from rotator.api import wire
from rotator.api.calls import Outcome, Reply
from rotator.api.direct import Respond
from rotator.api.errors import answer_to
from rotator.api.requests import new_request_id


def refused(error: BaseException, request_id: str) -> Reply:
    """What is told of an error."""
    answer = answer_to(error, request_id=request_id)
    return Reply(answer.status, wire.encode(answer.body()))


def headers_of(reply: Reply, *, kind: bytes, request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of a reply, whose body is of that content type."""
    return [
        (b"x-amzn-requestid", request_id.encode()),
        (b"content-type", kind),
        (b"content-length", b"%d" % len(reply.body)),
    ]


class DirectAnswer:
    """Answers one call directly as soon as it is told what came of it; see `rotator.api.gathering.Awaiting`.

    Args:
        ended: gives what is answered in the end.
    """

    __slots__ = ("_ended", "_respond", "request_id")

    _late: Final[set["asyncio.Task[None]"]] = set()

    def __init__(
        self, ended: Callable[[Outcome], Coroutine[Any, Any, Reply]], respond: Respond
    ) -> None:
        self._ended = ended
        self._respond = respond
        self.request_id = new_request_id()

    def cancelled(self) -> bool:
        """Never: that somebody has gone away is noticed where the answer is sent."""
        return False

    def set_result(self, outcome: Outcome) -> None:
        """Told how the call went."""
        if isinstance(outcome, Reply):
            self._give(outcome)
        else:
            task = asyncio.get_running_loop().create_task(self._give_late(outcome))
            self._late.add(task)  # the loop itself doesn't keep it
            task.add_done_callback(self._late.discard)

    def set_exception(self, error: BaseException) -> None:
        """Told that nothing came of it."""
        self._give(refused(error, self.request_id))

    def refuse(self, error: BaseException) -> None:
        """Answers what is told of an error, and nothing more on this connection."""
        self._give(refused(error, self.request_id), closes=True)

    async def _give_late(self, outcome: Outcome) -> None:
        try:
            reply = await self._ended(outcome)
        except Exception as error:  # noqa: BLE001  # whoever asked is answered
            reply = refused(error, self.request_id)
        self._give(reply)

    def _give(self, reply: Reply, *, closes: bool = False) -> None:
        headers = headers_of(reply, kind=wire.CONTENT_TYPE, request_id=self.request_id)
        self._respond(reply.status, headers, reply.body, closes=closes)
