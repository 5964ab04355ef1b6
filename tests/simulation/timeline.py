"""Simulated time: what happens next, and when."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = 365 * 86400.0


def instant(seconds: float) -> datetime:
    """The moment so many seconds after the simulation's beginning."""
    return START + timedelta(seconds=seconds)


def seconds(moment: datetime) -> float:
    """The same the other way round."""
    return (moment - START).total_seconds()


class Timeline:
    """Events in the order of their moments; those of one moment in the order in which they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        self._set = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, moment: float, act: Callable[[], None]) -> None:
        self._set += 1
        heapq.heappush(self._heap, (max(moment, self.now), self._set, act))

    def after(self, wait: float, act: Callable[[], None]) -> None:
        self.at(self.now + wait, act)

    def run_until(self, end: float) -> None:
        """Lets everything happen that is set for before `end`."""
        while self._heap and self._heap[0][0] < end:
            self.now, _, act = heapq.heappop(self._heap)
            self.events += 1
            act()
        self.now = end
