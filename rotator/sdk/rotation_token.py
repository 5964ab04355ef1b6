"""The RotationToken of an invocation: which run of which rotation a function acts for. Pure.

It says no more than the rotation's id and fencing number, and gives no right to anything: a write that brings it is
refused where another run has taken over since, and needs permission as any other does.
"""

import re
from typing import NamedTuple

_FORM = re.compile(r"([0-9a-f]{32})-([0-9]{6,18})")


class RunNumber(NamedTuple):
    """One run of a rotation."""

    rotation_id: str
    fencing: int


def rotation_token(run: RunNumber) -> str:
    """The token of a run: letters, digits and hyphens, 36 characters at least, as the API's model wants it."""
    return f"{run.rotation_id}-{run.fencing:06d}"


def run_of(token: str) -> RunNumber | None:
    """The run that a token names, None for one that was not made here."""
    found = _FORM.fullmatch(token)
    return None if found is None else RunNumber(found[1], int(found[2]))
