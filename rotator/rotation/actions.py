"""What passes between the machine and the runner: actions one way, outcomes and facts the other."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.model.rotation import Failure
from rotator.sdk import Candidate, Overlap, Proof


class Act(StrEnum):
    """What the runner does next."""

    PREFLIGHT = "preflight"
    CREATE = "create"
    OPEN = "open"  # commit the pending value and the journal; raise the barrier of a gap rotation
    SET = "set"
    TEST = "test"
    FINISH = "finish"
    PROBE = "probe"
    REVERT = "revert"
    WAIT = "wait"  # commit, give the lease back, and go on from `machine.resumed` when the delay is over
    END = "end"


@dataclass(frozen=True, slots=True)
class Action:
    """One action, and the candidate that a probe is about."""

    act: Act
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The action succeeded; preflight also resolved the overlap."""

    overlap: Overlap | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """A probe was answered."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class Failed:
    """The action failed."""

    failure: Failure


Outcome = Done | Proved | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the machine has to know of the world, read by the runner before each step.

    Attributes:
        candidates: the values that exist.
        has_admin: an admin secret can set the credential whatever logs in now.
        out_of_time: the deadline of the rotation has passed.
        chance: a random number from 0 to 1, for the jitter.
    """

    candidates: frozenset[Candidate]
    has_admin: bool = False
    out_of_time: bool = False
    chance: float = 0.0
