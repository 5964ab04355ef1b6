"""Whose credential a stored value has: that which a rotation replaced, or that which it made. Pure.

What makes the credential is told by the two values of the rotation themselves: the fields in which they differ.
"""

from enum import StrEnum
from typing import Any

from rotator.sdk import Misconfigured, SecretValue


class Kinship(StrEnum):
    """What a value shares with the one that a rotation replaced."""

    SAME = "same"  # its credential
    MIXED = "mixed"  # a part, such as the user's name; or nobody can tell
    OTHER = "other"  # nothing of its credential


def kinship(value: SecretValue, *, old: SecretValue, new: SecretValue | None) -> Kinship:
    """What `value` shares with `old`, which was replaced by `new`.

    Args:
        new: None where it can't be had any more.
    """
    mine, theirs = _parts(value), _parts(old)
    changed = _parts(new) if new is not None else {}
    told = [key for key in theirs if key not in changed or changed[key] != theirs[key]]
    shared = [key in mine and mine[key] == theirs[key] for key in told]
    if all(shared):
        return Kinship.SAME
    return Kinship.MIXED if any(shared) else Kinship.OTHER


def _parts(value: SecretValue) -> dict[str, Any]:
    try:
        return value.fields()
    except Misconfigured:
        return {"": value}
