"""What goes wrong, and how often: all of it from one seeded source."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random

from rotator.rotation.actions import Act
from rotator.sdk import FailureKind

_BEFORE = (
    FailureKind.REFUSED,
    FailureKind.BUSY,
    FailureKind.UNREACHABLE,
    FailureKind.MISCONFIGURED,
)


class Fate(Enum):
    """What becomes of a process while it waits for something."""

    LIVES = auto()
    DIES = auto()
    FREEZES = auto()


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Chances from 0 to 1, and how often a year.

    Attributes:
        death, freeze: of a process, at each of its waits.
        lost_commit: the store has committed, and its answer is lost.
        failure: a step fails before it has changed anything.
        policy: the target refuses the new password.
        unknown: the answer to a change is lost; half of the times it has happened.
        slow: a target takes seconds, or longer than the step may.
        outages: of the store, of each target, and of the network between each daemon and the store.
        meddling: somebody sets a password by hand and stores it, after each commit of a rotation; once a secret.
        pruning: versions that nobody needs are removed, after each commit.
    """

    death: float = 0.0
    freeze: float = 0.0
    lost_commit: float = 0.0
    failure: float = 0.0
    policy: float = 0.0
    unknown: float = 0.0
    slow: float = 0.0
    outages: float = 0.0
    meddling: float = 0.0
    pruning: float = 0.0


CALM = Rates()
ROUGH = Rates(
    death=0.01,
    freeze=0.01,
    lost_commit=0.01,
    failure=0.04,
    policy=0.04,
    unknown=0.06,
    slow=0.05,
    outages=20.0,
    pruning=0.2,
)


STORMY = replace(ROUGH, death=0.04, freeze=0.04, lost_commit=0.03)
HARSH = replace(ROUGH, failure=0.12, policy=0.1, unknown=0.2, slow=0.15, outages=60.0)
MEDDLED = replace(HARSH, meddling=0.05)
FAIR = replace(ROUGH, death=0.0005, freeze=0.0005)
WEATHERS = (ROUGH, STORMY, HARSH, MEDDLED)


class Faults:
    """Decides what goes wrong."""

    def __init__(self, random: Random, rates: Rates) -> None:
        self._random = random
        self.rates = rates

    def heal(self) -> None:
        """Nothing goes wrong from now on."""
        self.rates = CALM

    def fate(self) -> Fate:
        drawn = self._random.random()
        if drawn < self.rates.death:
            return Fate.DIES
        return Fate.FREEZES if drawn < self.rates.death + self.rates.freeze else Fate.LIVES

    def hits(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def of_step(self, act: Act) -> FailureKind | None:
        """What a step fails with before it has changed anything."""
        if act is Act.SET and self.hits(self.rates.policy):
            return FailureKind.POLICY
        return self._random.choice(_BEFORE) if self.hits(self.rates.failure) else None

    def latency(self) -> float:
        return 0.001 + 0.02 * self._random.random()

    def server_time(self) -> float:
        """How long the target takes for a change."""
        return self.between(1.0, 45.0) if self.hits(self.rates.slow) else self.latency()

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def gap_between_outages(self) -> float | None:
        """Seconds until the next outage of something; None for never."""
        if self.rates.outages <= 0:
            return None
        return self._random.expovariate(self.rates.outages / (365 * 86400))

    def outage(self) -> float:
        """Seconds that something is away: mostly short, at times for hours."""
        return self._random.choice(
            (self.between(0.1, 5), self.between(5, 300), self.between(300, 20000))
        )

    def chance(self) -> float:
        return self._random.random()
