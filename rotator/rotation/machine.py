"""The state machine of a rotation, sans I/O: state and outcome in, next action out.

No clock, no randomness, no driver. The runner performs the actions on real parts; the property tests and the crash
tests perform them too. Three rules shape it:

- The journal is opened (durably, with the new value sealed) before the target may change, and from then on the outcome
  counts as unknown until setSecret's answer or a probe settles it.
- Where the outcome is unknown no new value is made: the candidates are probed, and what logs in decides.
- Every way through it is bounded: attempts by the class of the failure, reverts by their own budget.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from rotator.model.rotation import Failure, Goal, MachineState, Phase, Status
from rotator.rotation.policy import RetryPolicy
from rotator.sdk import Candidate, FailureKind, Overlap, Proof


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
    WAIT = "wait"
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


_ROTATE_ORDER = (Candidate.PENDING, Candidate.CURRENT, Candidate.PREVIOUS, Candidate.PINNED)
_SETTLE_ORDER = (Candidate.CURRENT, Candidate.PINNED)
_UNCHANGED = frozenset(
    {
        FailureKind.REFUSED,
        FailureKind.BUSY,
        FailureKind.UNREACHABLE,
        FailureKind.MISCONFIGURED,
        FailureKind.UNSUPPORTED,
    }
)
_UNDECIDED = frozenset(
    {FailureKind.UNREACHABLE, FailureKind.UNKNOWN, FailureKind.BUSY, FailureKind.BUG}
)
_DIRECT = {
    Phase.PREFLIGHT: Act.PREFLIGHT,
    Phase.CREATE: Act.CREATE,
    Phase.TEST: Act.TEST,
    Phase.FINISH: Act.FINISH,
    Phase.REVERT: Act.REVERT,
    Phase.ENDED: Act.END,
}


def begin(*, created: bool, uncertain: bool, facts: Facts) -> MachineState:
    """A new rotation.

    Args:
        created: AWSPENDING has a value already, which is taken up.
        uncertain: an earlier run may have changed the target and left it unsettled.
    """
    state = MachineState(created=created, touched=uncertain, dirty=uncertain)
    return _probe_round(state, facts) if uncertain else state


def resumed(state: MachineState, *, facts: Facts, taken_over: bool) -> MachineState:
    """The state from which another run goes on, after a crash or after waiting.

    Args:
        taken_over: the earlier owner was replaced, so something of it may still be under way.
    """
    state = replace(
        state, delay=0.0, taken_over=state.taken_over or taken_over, status=Status.RUNNING
    )
    if state.goal is not Goal.ROTATE:
        return _probe_round(state, facts)
    if state.finished and not state.touched:
        return replace(state, phase=Phase.CONFIRM)
    if _exposed(state):
        return _probe_round(replace(state, dirty=True), facts)
    return replace(state, phase=Phase.PREFLIGHT)


def aborted(state: MachineState, facts: Facts) -> MachineState:
    """The state from which `rotate abort` goes on: towards the current value, with a budget of its own."""
    return _turn_back(replace(state, delay=0.0, attempt=1, reverts=0), facts, keep=state.failure)


def settling(state: MachineState, facts: Facts) -> MachineState:
    """The state from which it is found out which value of an abandoned rotation lives."""
    begun = replace(
        state, goal=Goal.SETTLE, status=Status.ABANDONING, delay=0.0, attempt=1, taken_over=True
    )
    return _probe_round(begun, facts)


def next_action(state: MachineState) -> Action:
    """What to do in this state."""
    if state.delay > 0:
        return Action(Act.WAIT)
    match state.phase:
        case Phase.SET:
            return Action(Act.SET if state.touched else Act.OPEN)
        case Phase.PROBE:
            return Action(Act.PROBE, state.probes[0])
        case Phase.VERIFY:
            return Action(Act.PROBE, Candidate.CURRENT)
        case Phase.CONFIRM:
            return Action(Act.PROBE, Candidate.PENDING)
        case _:
            return Action(_DIRECT[state.phase])


def advance(
    state: MachineState, outcome: Outcome, *, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The state after the action of `state` had this outcome."""
    match outcome:
        case Failed(failure):
            return _failed(state, failure, facts, policy)
        case Proved(proof):
            return _proved(state, proof, facts, policy)
        case Done(overlap):
            return _done(state, overlap)


def _done(state: MachineState, overlap: Overlap | None) -> MachineState:
    match next_action(state).act:
        case Act.WAIT:
            return replace(state, delay=0.0)
        case Act.PREFLIGHT:
            after = Phase.SET if state.created else Phase.CREATE
            return replace(state, phase=after, overlap=overlap)
        case Act.CREATE:
            return replace(state, phase=Phase.SET, created=True)
        case Act.OPEN:
            return replace(state, touched=True)
        case Act.SET:
            return replace(state, phase=Phase.TEST, dirty=True, live=Candidate.PENDING)
        case Act.TEST:
            return replace(state, phase=Phase.FINISH)
        case Act.FINISH:
            done = replace(state, finished=True, touched=False, failure=None)
            return (
                replace(done, phase=Phase.CONFIRM)
                if state.taken_over
                else _end(done, Status.SUCCEEDED)
            )
        case Act.REVERT:
            return replace(state, phase=Phase.VERIFY)
        case act:
            raise ValueError(f"{act} has no plain outcome")


def _proved(state: MachineState, proof: Proof, facts: Facts, policy: RetryPolicy) -> MachineState:
    accepted = proof is Proof.ACCEPTED
    if state.phase is Phase.VERIFY:
        return (
            _end(state, Status.FAILED)
            if accepted
            else _failed(state, _not_reverted(), facts, policy)
        )
    if state.phase is Phase.CONFIRM:
        return (
            _end(state, Status.SUCCEEDED)
            if accepted
            else _failed(state, _not_confirmed(), facts, policy)
        )
    candidate, rest = state.probes[0], state.probes[1:]
    if accepted:
        return _found(replace(state, live=candidate, probes=()))
    if rest:
        return replace(state, probes=rest)
    return _nothing_lives(replace(state, probes=()), facts)


def _found(state: MachineState) -> MachineState:
    """A probe round found the credential that logs in."""
    match state.goal:
        case Goal.SETTLE:
            if state.live is Candidate.CURRENT:
                return _end(state, Status.ABANDONED)
            return _end(replace(state, failure=_after_abandoning(state.failure)), Status.DIVERGED)
        case Goal.REVERT:
            return replace(state, phase=Phase.REVERT)
        case Goal.ROTATE:
            if state.live is Candidate.PENDING:
                return replace(state, phase=Phase.TEST)
            return replace(state, phase=Phase.PREFLIGHT, touched=False)


def _nothing_lives(state: MachineState, facts: Facts) -> MachineState:
    """No candidate logs in: somebody else changed the credential. An admin secret can set it all the same."""
    if facts.has_admin and state.goal is Goal.ROTATE:
        return replace(state, phase=Phase.PREFLIGHT, touched=False, live=Candidate.CURRENT)
    if facts.has_admin and state.goal is Goal.REVERT:
        return replace(state, phase=Phase.REVERT)
    failure = Failure(
        phase=Phase.PROBE,
        kind=FailureKind.REFUSED,
        message="the target accepts none of the stored values: somebody changed the credential there",
        hint="store the password that works with `rotate secret put`, or name an admin secret with "
        "`rotate rotation set --admin`",
    )
    return _end(replace(state, failure=failure), Status.DIVERGED)


def _failed(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    kind = failure.kind
    unsettled = state.touched and not (state.phase is Phase.SET and kind in _UNCHANGED)
    dirty = state.dirty or (state.phase is Phase.SET and kind not in _UNCHANGED)
    state = replace(state, touched=unsettled, dirty=dirty)
    if state.goal is Goal.REVERT:
        return _revert_failed(state, failure, facts, policy)
    state = replace(state, failure=failure)
    if state.goal is Goal.SETTLE:
        return _settle_failed(state, kind, facts, policy)
    if state.phase is Phase.PROBE and kind is FailureKind.UNSUPPORTED:
        # It can't be found out, so setSecret is repeated with the same token: idempotent, and no new value.
        return replace(state, phase=Phase.PREFLIGHT, touched=False, probes=())
    if state.phase is Phase.CONFIRM and kind is FailureKind.UNSUPPORTED:
        return _end(state, Status.SUCCEEDED)
    if state.attempt >= policy.limit(kind) or facts.out_of_time:
        return _give_up(state, facts)
    return _again(state, failure, facts, policy)


def _again(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The next attempt, with the same token."""
    settle_now = state.phase is Phase.SET and failure.kind is FailureKind.UNKNOWN
    delay = 0.0 if settle_now else policy.delay(state.attempt, chance=facts.chance)
    retry = replace(state, attempt=state.attempt + 1, delay=delay)
    if state.phase is Phase.CONFIRM and failure.kind in _UNDECIDED and failure != _not_confirmed():
        return retry
    if _exposed(retry) or retry.finished:
        return _probe_round(retry, facts)
    return replace(retry, phase=Phase.PREFLIGHT)


def _give_up(state: MachineState, facts: Facts) -> MachineState:
    """The budget is spent."""
    if state.finished:
        undecided = (
            state.failure is not None
            and state.failure.kind in _UNDECIDED
            and state.failure != _not_confirmed()
        )
        return _end(state, Status.UNVERIFIED if undecided else Status.DIVERGED)
    if state.overlap is Overlap.NONE or not (state.dirty or state.touched):
        return _end(state, Status.FAILED)
    return _turn_back(state, facts, keep=state.failure)


def _turn_back(state: MachineState, facts: Facts, *, keep: Failure | None) -> MachineState:
    state = replace(state, goal=Goal.REVERT, failure=keep)
    if state.overlap is Overlap.NONE or not (state.dirty or state.touched):
        return _end(state, Status.FAILED)
    return _probe_round(replace(state, dirty=True), facts)


def _revert_failed(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The reason of the rotation stays the first failure; that of the revert is added where the revert ends here."""
    kind = failure.kind
    tries = state.reverts + 1
    reason = _after(state.failure, failure)
    if kind is FailureKind.DEGRADED:
        return _end(replace(state, failure=reason), Status.DEGRADED)
    if kind in {FailureKind.UNSUPPORTED, FailureKind.MISCONFIGURED}:
        return _end(replace(state, failure=reason), Status.UNVERIFIED)
    if tries >= policy.reverts:
        ending = Status.UNVERIFIED if kind in _UNDECIDED else Status.DIVERGED
        return _end(replace(state, failure=reason, reverts=tries), ending)
    waiting = replace(state, reverts=tries, delay=policy.delay(tries, chance=facts.chance))
    return _probe_round(waiting, facts)


def _settle_failed(
    state: MachineState, kind: FailureKind, facts: Facts, policy: RetryPolicy
) -> MachineState:
    if kind not in _UNDECIDED or state.attempt >= policy.reverts:
        return _end(state, Status.UNVERIFIED)
    again = replace(
        state, attempt=state.attempt + 1, delay=policy.delay(state.attempt, chance=facts.chance)
    )
    return _probe_round(again, facts)


def _probe_round(state: MachineState, facts: Facts) -> MachineState:
    order = _SETTLE_ORDER if state.goal is Goal.SETTLE else _ROTATE_ORDER
    probes = tuple(candidate for candidate in order if candidate in facts.candidates)
    if not probes:
        return _nothing_lives(state, facts)
    return replace(state, phase=Phase.PROBE, probes=probes)


def _exposed(state: MachineState) -> bool:
    return state.touched and state.overlap is not Overlap.NONE


def _end(state: MachineState, status: Status) -> MachineState:
    return replace(state, phase=Phase.ENDED, status=status, delay=0.0, probes=())


def _after(first: Failure | None, then: Failure) -> Failure:
    if first is None:
        return then
    message = f"{first.message}; and the target could not be put back: {then.message}"
    return replace(first, message=message, hint=then.hint or first.hint)


def _after_abandoning(reason: Failure | None) -> Failure:
    abandoned = "abandoned" if reason is None else reason.message
    return Failure(
        phase=Phase.PROBE,
        kind=FailureKind.REFUSED,
        message=f"{abandoned}; the target accepts the value of the abandoned rotation, not AWSCURRENT",
        hint="`rotate now` rotates on from the value that logs in; its version is kept until then",
    )


def _not_reverted() -> Failure:
    return Failure(
        phase=Phase.VERIFY,
        kind=FailureKind.REFUSED,
        message="the target was put back, but it refuses the current value",
        hint="check the account on the target, then run `rotate now` again: it finds out which value logs in",
    )


def _not_confirmed() -> Failure:
    return Failure(
        phase=Phase.CONFIRM,
        kind=FailureKind.UNKNOWN,
        message="after a takeover the target refuses AWSCURRENT: an older session changed it last",
        hint="the same value is set again",
    )
