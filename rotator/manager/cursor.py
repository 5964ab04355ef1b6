"""The opaque text that says where the next page of a list begins."""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta

from rotator.errors import InvalidParameter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode(created_at: datetime, key: int | str) -> str:
    """The cursor after the row with this creation time and key."""
    parts = json.dumps([(created_at - _EPOCH) // _MICROSECOND, key], separators=(",", ":"))
    return base64.urlsafe_b64encode(parts.encode()).decode("ascii")


def decode_row(cursor: str) -> tuple[datetime, int]:
    """The inverse of `encode` for rows with a number as their key.

    Raises:
        InvalidParameter: the cursor didn't come from here.
    """
    at, key = _decode(cursor)
    if not isinstance(key, int):
        raise _refused()
    return at, key


def decode_version(cursor: str) -> tuple[datetime, str]:
    """The inverse of `encode` for versions.

    Raises:
        InvalidParameter: the cursor didn't come from here.
    """
    at, key = _decode(cursor)
    if not isinstance(key, str):
        raise _refused()
    return at, key


def _decode(cursor: str) -> tuple[datetime, object]:
    try:
        microseconds, key = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return _EPOCH + microseconds * _MICROSECOND, key
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise _refused() from None


def _refused() -> InvalidParameter:
    return InvalidParameter(
        "NextToken is not one that this list has given. Begin again without it."
    )
