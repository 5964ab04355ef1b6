"""The bounds of the engine: attempts, delays, time limits. All times are seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotator.model.rotation import FRESH, InUse
from rotator.sdk import FailureKind

_ONE_TRY = frozenset({FailureKind.MISCONFIGURED, FailureKind.UNSUPPORTED, FailureKind.DEGRADED})
_TWO_TRIES = frozenset({FailureKind.REFUSED, FailureKind.POLICY, FailureKind.BUG})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a rotation is tried, and how far apart.

    Attributes:
        attempts: tries of the whole attempt, where trying again can help.
        base: the delay after the first try.
        factor: what each further delay is multiplied by.
        cap: the longest delay.
        jitter: the share of a delay that is left to chance, 0 to 1.
        reverts: tries to put the target back.
    """

    attempts: int = 5
    base: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    jitter: float = 0.5
    reverts: int = 3

    def limit(self, kind: FailureKind) -> int:
        """How many attempts a failure of this class gets: waiting mends no setting, and seldom a plain refusal."""
        if kind in _ONE_TRY:
            return 1
        return min(2, self.attempts) if kind in _TWO_TRIES else self.attempts

    def delay(self, attempt: int, *, chance: float) -> float:
        """Seconds to wait after `attempt` (1 for the first) failed.

        Args:
            chance: a random number from 0 to 1.
        """
        full = min(self.cap, self.base * self.factor ** min(attempt - 1, 64))
        return full * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePolicy:
    """The engine's settings.

    Attributes:
        step_limit: the time limit of one step; shorter than the lease, so that no change outlives it.
        deadline: the time limit of a rotation with all its attempts.
        lease: how long a lease lasts that is not renewed.
        drain: how long clients have to log in with what they were given before the read barrier was raised.
        barrier_limit: when a read barrier falls at the latest; 0 turns it off.
        grace: how long the old credential goes on logging in where both do, if nothing else says it.
        grace_of: the same for the secrets of a rotator, by its registered name; where two users take turns too.
        in_use: what is done where somebody still uses it then, if they say nothing.
    """

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    step_limit: float = 30.0
    deadline: float = 900.0
    lease: float = 60.0
    drain: float = 0.25
    barrier_limit: float = 2.0
    grace: float = 3600.0
    grace_of: Mapping[str, float] = field(default_factory=dict)
    in_use: InUse = InUse.WARN

    @property
    def wait_before_change(self) -> float:
        """How long the engine waits between raising the read barrier and changing the target."""
        return self.drain + FRESH if self.drain > 0 else 0.0

    def chosen_grace(self, own: float | None, *, rotator: str) -> float | None:
        """The grace period that was chosen for a secret: its own, else that of its rotator; None where neither was."""
        return self.grace_of.get(rotator) if own is None else own
