"""The durable state of a rotation: what is stored between two actions of the machine."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rotator.sdk import Candidate, FailureKind, Overlap

LONGEST_BARRIER: Final = 60.0
"""Seconds: the largest `barrier.limit` that can be set."""

FRESH: Final = 0.1
"""Seconds that a value may be old when it is given out. Whoever changes a target waits so much longer than the drain:
what was read right before the barrier was raised may be given out so late.
"""

LONGEST_LEASE: Final = 7200.0
"""Seconds: the largest `rotation.lease` that can be set."""

LONGEST_GRACE: Final = 31_536_000.0
"""Seconds, a year: the longest grace period that can be set."""


class Phase(StrEnum):
    """What the machine does next."""

    PREFLIGHT = "preflight"
    INTENT = "intent"  # the target issues the value: that it is about to is committed first
    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"
    CONFIRM = "confirm"  # after a takeover: AWSCURRENT is probed before success is reported
    PROBE = "probe"
    REVERT = "revert"
    VERIFY = "verify"
    RETIRE = (
        "retire"  # after finishSecret: the grace period, and then the end of the old credential
    )
    ENDED = "ended"


class Goal(StrEnum):
    """Where the machine is heading."""

    ROTATE = "rotate"
    REVERT = "revert"  # the budget is spent, or `rotate abort`
    SETTLE = "settle"  # abandoned from outside: find out which value lives
    TEST = "test"  # testSecret alone, on a temporary version with the current value: nothing is rotated


class RetireStep(StrEnum):
    """Where the retire phase is. Not stored: whoever takes it up begins with the first look again."""

    REST = "rest"  # the grace period, or a wait for clients to stop using the old credential
    CHECK = "check"  # the new credential logs in, or nothing is retired
    ASK = "ask"  # who still uses the old credential
    STOP_WAITING = "stop-waiting"  # from here on nobody is waited for, after a crash either
    CUT = "cut"  # the target refuses the old credential from now on
    SWEEP = "sweep"  # who still uses it, now that nobody can log in with it again
    EXPEL = "expel"  # end those sessions
    PROVE_NEW = "prove-new"
    PROVE_OLD = "prove-old"


class InUse(StrEnum):
    """What is done where sessions still use the old credential when its time is over."""

    WARN = "warn"  # it is retired all the same, and the report says who
    WAIT = "wait"  # for them to end, one more grace period at most
    TERMINATE = "terminate"  # it is retired, then they are ended


class Status(StrEnum):
    """The state of a rotation, as `status` and `history` show it."""

    RUNNING = "running"
    WAITING = "waiting"  # for its next attempt
    ABANDONING = "abandoning"  # abandoned from outside; which value lives is not settled yet
    GRACE = "grace"  # AWSCURRENT has moved; the old credential is not retired yet
    SUCCEEDED = "succeeded"
    UNRETIRED = "unretired"  # AWSCURRENT has moved, but the old credential could not be retired
    FAILED = "failed"  # the target is as before
    DIVERGED = "diverged"  # no stored truth agrees with the target; both values are kept
    DEGRADED = "degraded"  # the current value lives on only as the second password
    UNVERIFIED = "unverified"  # can't be probed or reverted; AWSPENDING is kept, the next run takes the same token
    ABANDONED = "abandoned"  # from outside; AWSCURRENT logs in

    @property
    def active(self) -> bool:
        """Whether the rotation still owns its secret."""
        return self in ACTIVE


ACTIVE = frozenset({Status.RUNNING, Status.WAITING, Status.ABANDONING, Status.GRACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step failed: its class, what happened and what to do; never a value."""

    phase: Phase
    kind: FailureKind
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """All that the machine knows of a rotation.

    Attributes:
        attempt: 1 for the first try.
        reverts: tries to put the target back.
        overlap: as preflight resolved it.
        created: the pending value exists.
        touched: the journal says that a change of the target may have begun, and no probe has settled it since.
        dirty: a change was sent at some time in this rotation.
        finished: AWSCURRENT has moved to the token.
        retired: the target refuses the version that was AWSCURRENT before, for the rotator has retired it.
        compromised: the old credential is known to others, so it gets no grace.
        strictness: values of this rotation that the target has refused by its policy.
        taken_over: an earlier owner of the lease was replaced.
        live: the candidate that logged in last.
        probes: candidates that are left in this round of probing.
        failure: the last failure.
        delay: seconds to wait before the next action, 0 for none.
        status: RUNNING until the end, or GRACE from finishSecret on.
        retire: where the retire phase is.
    """

    phase: Phase = Phase.PREFLIGHT
    goal: Goal = Goal.ROTATE
    status: Status = Status.RUNNING
    attempt: int = 1
    reverts: int = 0
    overlap: Overlap | None = None
    created: bool = False
    touched: bool = False
    dirty: bool = False
    finished: bool = False
    retired: bool = False
    compromised: bool = False
    strictness: int = 0
    taken_over: bool = False
    live: Candidate = Candidate.CURRENT
    probes: tuple[Candidate, ...] = ()
    failure: Failure | None = None
    delay: float = 0.0
    retire: RetireStep = RetireStep.REST
