"""How schedules are read and what becomes of a missed window: the choices that settings and secrets share. Pure."""

from enum import StrEnum


class Limits(StrEnum):
    """Which schedules may be set."""

    AWS = "aws"  # what AWS Secrets Manager takes, and nothing else
    WIDE = "wide"  # that, and minutes, years, any hours and time zones


class Missed(StrEnum):
    """What becomes of a window that closed without its rotation, because nobody was there to start it."""

    AUTO = "auto"  # WAIT where the secret has an explicit duration, RUN where it has none
    WAIT = "wait"  # for the next window
    RUN = "run"  # as soon as possible, spread out
