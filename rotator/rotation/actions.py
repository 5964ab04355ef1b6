"""What passes between the machine and the runner: actions one way, outcomes and facts the other."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.model.rotation import Failure, InUse
from rotator.sdk import Candidate, Overlap, Proof, Use


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
    IN_USE = "in-use"  # ask who still uses the old credential
    END_WAIT = "end-wait"  # commit that clients are not waited for any more: the old credential may be dead after it
    RETIRE = "retire"
    END_USE = "end-use"
    REST = "rest"  # commit, give the lease back, and leave the rest of the rotation to a later run
    END = "end"


@dataclass(frozen=True, slots=True)
class Action:
    """One action, and the candidate that a probe is about."""

    act: Act
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The action succeeded; preflight also resolved the overlap, and IN_USE tells who uses the old credential."""

    overlap: Overlap | None = None
    uses: tuple[Use, ...] = ()


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
        issues_value: the target makes the new value, so that createSecret changes it.
        invokes: the steps are those of a rotation function: it stores the new value itself, can't be asked what logs
            in, and may be invoked with the same token again.
        out_of_time: the deadline of the rotation has passed.
        chance: a random number from 0 to 1, for the jitter.
        grace: seconds that were chosen for the secret or its rotator; None where nothing was.
        default_grace: seconds, where nothing was and both credentials log in (`dual`).
        in_use: what is done where somebody still uses the old credential.
        patience: seconds that the retirement may still wait for them to stop.
    """

    candidates: frozenset[Candidate]
    has_admin: bool = False
    issues_value: bool = False
    invokes: bool = False
    out_of_time: bool = False
    chance: float = 0.0
    grace: float | None = None
    default_grace: float = 3600.0
    in_use: InUse = InUse.WARN
    patience: float = 0.0
