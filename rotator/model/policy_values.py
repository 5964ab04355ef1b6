"""The values that conditions of policies compare, read from their texts. Pure.

What is none is None here: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import binascii
import re
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

_KEPT = 4096


def number(text: str) -> Decimal | None:
    """The number that a text is; None for no number."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(text: str) -> datetime | None:
    """The time that a text names, as ISO 8601 or in seconds since 1970; None for no time."""
    seconds = number(text)
    try:
        if seconds is not None and not re.fullmatch(r"[0-9]{4}", text):
            return datetime.fromtimestamp(float(seconds), UTC)
        found = datetime.fromisoformat(f"{text}-01-01" if len(text) == 4 else text)
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


@lru_cache(_KEPT)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """The addresses that a text means, one or a block; None for none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def truth(text: str) -> bool | None:
    """Whether a text says true; None where it says neither true nor false."""
    return {"true": True, "false": False}.get(text.lower())


def binary(text: str) -> bytes | None:
    """The bytes that a text is in base64; None for none."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
