"""A request as it came in: its headers looked at once, its body read whole within bounds."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from rotator.api.errors import RequestTooLarge, SerializationError

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MOST_BODY: Final = 1_048_576
"""Bytes of the longest body: a value of 64 KiB whose every character is escaped is six times as long."""

_ONCE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"transfer-encoding",
        b"x-amz-content-sha256",
        b"x-amz-date",
        b"x-amz-security-token",
        b"x-amz-target",
    }
)
"""Headers that two readers of a request could disagree about where they come twice."""


class ClientGone(Exception):  # nothing is wrong here
    """Whoever asked has gone away before the request was complete."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a request; names in lower case, each in its order."""

    all: tuple[tuple[str, str], ...]
    target: str | None
    length: int | None

    @classmethod
    def read(cls, scope: Scope) -> "Headers":
        """The headers of a request.

        Raises:
            SerializationError: one comes twice that may come once, or isn't to be read.
            RequestTooLarge: the body is said to be too long.
        """
        seen: set[bytes] = set()
        read: list[tuple[str, str]] = []
        target: str | None = None
        length: int | None = None
        for name, value in scope["headers"]:
            if name in _ONCE:
                if name in seen:
                    raise SerializationError(
                        f"The header {name.decode()} comes more than once. Send it once."
                    )
                seen.add(name)
            text = value.decode("latin-1")
            read.append((name.decode("latin-1"), text))
            if name == b"x-amz-target":
                target = text
            elif name == b"content-length" and text.isascii() and text.isdigit():
                length = int(text)
        if length is not None and length > MOST_BODY:
            raise _too_large()
        return cls(tuple(read), target, length)


def new_request_id() -> str:
    """A random UUID (version 4), in less time than the standard library takes for one."""
    drawn = os.urandom(16).hex()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-8{drawn[17:20]}-{drawn[20:]}"


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        ClientGone: it didn't come in whole.
        RequestTooLarge: it is too long.
    """
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > MOST_BODY:
            raise _too_large()
        return body
    pieces, size = [body], len(body)
    while True:
        if size > MOST_BODY:
            raise _too_large()
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if not message.get("more_body", False):
            if size > MOST_BODY:
                raise _too_large()
            return b"".join(pieces)


def _too_large() -> RequestTooLarge:
    return RequestTooLarge(f"The body of a request has at most {MOST_BODY:,} bytes.")
