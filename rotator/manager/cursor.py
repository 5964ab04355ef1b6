"""The opaque text that says where the next page of a list goes on.

A cursor is bound to the parameters of its list: with other ones it would name a place in an order that isn't there. It
holds nothing that its reader may not see (a name or a time of a secret that was listed). It is signed under a key that
is derived from the audit key, so that it is good in every process on the store, and it is good for a day.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from rotator.crypto.audit_key import AuditKey
from rotator.errors import InvalidNextToken

Part = datetime | int | str | None

LASTS: Final = 86_400.0
"""Seconds that a cursor is good for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1  # that a column of the store holds
_MAC_BYTES = 16


@dataclass
class Cursors:
    """Makes cursors and reads them.

    Attributes:
        audit_key: gives the key; asked when the first cursor is made or read.
        now: seconds since 1970.
    """

    audit_key: Callable[[], AuditKey]
    now: Callable[[], float] = time.time

    @cached_property
    def _key(self) -> AuditKey:
        return self.audit_key().derived("cursor")

    def encode(self, parts: Sequence[Part], *, of: Sequence[object]) -> str:
        """The cursor of a place.

        Args:
            parts: what names the place.
            of: which list it is of: everything but the page's size that decides what is in it, and in which order.
        """
        said = [_digest(of), int(self.now() + LASTS), *map(_packed, parts)]
        content = json.dumps(said, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(content) + content).decode("ascii")

    def decode(self, cursor: str, *, of: Sequence[object]) -> tuple[Part, ...]:
        """The inverse of `encode`; the caller has yet to see whether the parts are what it expects.

        Raises:
            InvalidNextToken: the cursor didn't come from here, belongs to another list, or is too old.
        """
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refused() from None
        mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise refused()
        digest, until, *parts = json.loads(content)
        if digest != _digest(of):
            raise refused()
        if self.now() > until:
            raise InvalidNextToken(
                "NextToken has expired: it was given more than a day ago. Begin again without it."
            )
        return tuple(map(_unpacked, parts))

    def _mac(self, content: bytes) -> bytes:
        return self._key.mac(content)[:_MAC_BYTES]


def refused() -> InvalidNextToken:
    """What a cursor that is none of this list is answered with."""
    return InvalidNextToken(
        "NextToken is not one that this list has given: it is altered, or was given for other parameters. Begin again "
        "without it, or repeat the parameters of the call that gave it."
    )


def _digest(of: Sequence[object]) -> str:
    text = json.dumps(of, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _packed(part: Part) -> object:
    return [(part - _EPOCH) // _MICROSECOND] if isinstance(part, datetime) else part


def _unpacked(part: object) -> Part:
    match part:
        case [int(microseconds)]:
            return _EPOCH + microseconds * _MICROSECOND
        case int() if not isinstance(part, bool) and abs(part) <= _LARGEST:
            return part
        case str() | None:
            return part
    raise ValueError("no part of a cursor")
