"""Interleaved measuring: the thing and its floor take turns, so that both meet the same machine."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

_COLLECT_AFTER = 250_000


def collect_seldom() -> None:
    """Has this process look for garbage as seldom as the console script has its own."""
    gc.set_threshold(_COLLECT_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A measured ratio against its bound.

    Attributes:
        ours: what was measured of rotator, in `unit`.
        floor: the same of the floor.
        most: the bound of ours / floor, None where there is none.
        least: the lower bound of ours / floor, None where there is none.
    """

    name: str
    unit: str
    ours: float
    floor: float
    most: float | None = None
    least: float | None = None

    @property
    def value(self) -> float:
        """Ours against the floor."""
        return self.ours / self.floor

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.value:.2f} x the floor ({self._verdict}); "
            f"{self.ours:.1f} {self.unit} against {self.floor:.1f} {self.unit}"
        )

    @property
    def _verdict(self) -> str:
        if self.most is None and self.least is None:
            return "no bound"
        bound = f"at most {self.most}" if self.most is not None else f"at least {self.least}"
        return f"{bound}: {'holds' if self.holds else 'MISSED'}"


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def alternate(
    ours: Callable[[], object], floor: Callable[[], object], *, rounds: int
) -> tuple[float, float]:
    """The median seconds of each, in turns; the first round only warms up."""
    pairs = [(seconds(ours), seconds(floor)) for _ in range(rounds + 1)][1:]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
