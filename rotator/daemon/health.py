"""Is the daemon alive, and does it work? Written by its loop, read by whoever asks."""

from enum import StrEnum

_LONGEST_PAUSE = 60.0  # seconds without a turn of the loop, which turns every few


class Condition(StrEnum):
    """Why a daemon works, or doesn't."""

    STARTING = "starting"
    READY = "ready"
    STANDS_BY = "stands-by"
    STORE_AWAY = "store-away"
    STOPPING = "stopping"


class Health:
    """What the loop last said. Times are readings of a monotonic clock, in seconds."""

    def __init__(self, now: float) -> None:
        self.condition = Condition.STARTING
        self._beat_at = now

    def beat(self, now: float) -> None:
        """The loop turns."""
        self._beat_at = now

    def is_alive(self, now: float) -> bool:
        """Whether the loop turned lately; where not, only a restart helps."""
        return now - self._beat_at < _LONGEST_PAUSE

    def is_ready(self, now: float) -> bool:
        """Whether what is due is being done."""
        return self.condition is Condition.READY and self.is_alive(now)
