"""How the old and the new credential overlap at the target."""

from enum import StrEnum


class Overlap(StrEnum):
    """Which credentials log in while a rotation runs; resolved in preflight and stored before setSecret."""

    DUAL = "dual"  # old and new both log in until retire
    ALTERNATING = "alternating"  # two users take turns
    GAP = "gap"  # one credential only: the old one dies as the new one is set
    NONE = "none"  # nothing outside changes
