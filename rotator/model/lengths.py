"""Lengths of time as people write them: `30m`, `1h`, `1h30m`, `2d`, `0`."""

import re
from typing import Final

_UNITS: Final = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LENGTH: Final = re.compile("".join(f"(?:([0-9]{{1,6}}){unit})?" for unit in _UNITS))


def parse_length(text: str) -> float:
    """Seconds.

    Raises:
        ValueError: it is no length of time.
    """
    found = _LENGTH.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or found is None:
        raise ValueError(f"{text!r} is no length of time such as 30m, 1h, 1h30m, 2d or 0")
    counts = zip(found.groups(), _UNITS.values(), strict=True)
    return float(sum(int(count) * seconds for count, seconds in counts if count is not None))


def shown_length(seconds: float) -> str:
    """The inverse of `parse_length`, to the second."""
    left, parts = round(seconds), []
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"
