"""The opaque text that says where the next page of a list goes on. Pure.

A cursor is bound to the parameters of its list: with other ones it would name a place in an order that isn't there. It
holds nothing that its reader may not see (a name or a time of a secret that was listed), and whoever alters one gets a
page of the same list from another place.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rotator.errors import InvalidNextToken

Part = datetime | int | str | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1  # that a column of the store holds


def encode(parts: Sequence[Part], *, of: Sequence[object]) -> str:
    """The cursor of a place.

    Args:
        parts: what names the place.
        of: which list it is of: everything but the page's size that decides what is in it, and in which order.
    """
    text = json.dumps([_digest(of), *map(_packed, parts)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def decode(cursor: str, *, of: Sequence[object]) -> tuple[Part, ...]:
    """The inverse of `encode`; the caller has yet to see whether the parts are what it expects.

    Raises:
        InvalidNextToken: the cursor didn't come from here, or belongs to another list.
    """
    try:
        digest, *parts = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        unpacked = tuple(map(_unpacked, parts))
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        raise refused() from None
    if digest != _digest(of):
        raise refused()
    return unpacked


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
