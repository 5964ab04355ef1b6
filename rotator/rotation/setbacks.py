"""What the machine makes of a failure: another attempt, the way back, or the end.

The class of a failure says what is known of the target. Attempts are bounded by it, reverts by their own budget.
"""

from dataclasses import replace

from rotator.model.rotation import Failure, Goal, MachineState, Phase, Status
from rotator.rotation.actions import Facts
from rotator.rotation.moves import end, exposed, probe_round, settled, turn_back
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.reasons import NOT_CONFIRMED, NOT_REVERTED, not_put_back, refused_again
from rotator.sdk import Candidate, FailureKind

_UNCHANGED = frozenset(
    {
        FailureKind.REFUSED,
        FailureKind.POLICY,
        FailureKind.BUSY,
        FailureKind.UNREACHABLE,
        FailureKind.MISCONFIGURED,
        FailureKind.UNSUPPORTED,
    }
)
_UNDECIDED = frozenset(
    {FailureKind.UNREACHABLE, FailureKind.UNKNOWN, FailureKind.BUSY, FailureKind.BUG}
)
_MORE_REVERTS = _UNDECIDED | {FailureKind.REFUSED, FailureKind.POLICY}


def failed(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The state after the action of `state` failed."""
    kind = failure.kind
    if state.goal is Goal.TEST:
        return end(replace(state, failure=failure), Status.FAILED)
    # What a function was never invoked for it has not done; an earlier attempt of another rotator may have.
    changing = {Phase.SET, Phase.CREATE} if facts.invokes else {Phase.SET}
    unsettled = state.touched and not (state.phase in changing and kind in _UNCHANGED)
    issuing = state.phase is Phase.CREATE and state.touched
    dirty = state.dirty or (kind not in _UNCHANGED if state.phase in changing else issuing)
    state = replace(state, touched=unsettled, dirty=dirty)
    if state.goal is Goal.REVERT:
        return _revert_failed(state, failure, facts, policy)
    renews = _renews(state, kind, facts)
    if renews:
        failure = refused_again(failure, before=state.strictness)
    state = replace(state, failure=failure)
    if state.goal is Goal.SETTLE:
        return _settle_failed(state, kind, facts, policy)
    if state.phase is Phase.PROBE and kind is FailureKind.UNSUPPORTED:
        # It can't be found out, so setSecret is repeated with the same token: idempotent, and no new value.
        return replace(state, phase=Phase.PREFLIGHT, touched=False, probes=())
    if state.phase is Phase.CONFIRM and kind is FailureKind.UNSUPPORTED:
        return settled(state, facts)
    limit = policy.attempts if renews else policy.limit(kind)
    if state.attempt >= limit or facts.out_of_time:
        return _give_up(state, facts)
    if renews:
        return _renewed(state)
    return _again(state, failure, facts, policy)


def _renews(state: MachineState, kind: FailureKind, facts: Facts) -> bool:
    """Whether a stricter value can take the place of the pending one: only where nothing can have it.

    Not where a change was ever sent that might have happened, nor where the value was there before the rotation
    (which begins as if one had been).
    """
    return (
        kind is FailureKind.POLICY
        and state.phase is Phase.SET
        and state.goal is Goal.ROTATE
        and not (state.dirty or state.finished or facts.issues_value)
    )


def _renewed(state: MachineState) -> MachineState:
    """The next attempt, at once: the same token with another value."""
    return replace(
        state,
        phase=Phase.PREFLIGHT,
        attempt=state.attempt + 1,
        strictness=state.strictness + 1,
        created=False,
    )


def _again(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The next attempt, with the same token."""
    settle_now = (
        state.phase is Phase.SET and failure.kind is FailureKind.UNKNOWN and not facts.invokes
    )
    delay = 0.0 if settle_now else policy.delay(state.attempt, chance=facts.chance)
    retry = replace(state, attempt=state.attempt + 1, delay=delay)
    if state.phase is Phase.CONFIRM and failure.kind in _UNDECIDED and failure != NOT_CONFIRMED:
        return retry
    if exposed(retry) or retry.finished:
        return probe_round(retry, facts)
    return replace(retry, phase=Phase.PREFLIGHT)


def _give_up(state: MachineState, facts: Facts) -> MachineState:
    """The budget is spent."""
    if state.finished:
        undecided = facts.invokes or (
            state.failure is not None
            and state.failure.kind in _UNDECIDED
            and state.failure != NOT_CONFIRMED
        )
        return end(state, Status.UNVERIFIED if undecided else Status.DIVERGED)
    return turn_back(state, facts)


def _revert_failed(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The reason of the rotation stays the first failure; that of the revert is added where the revert ends here."""
    tries = state.reverts + 1
    ending = _revert_ending(state, failure)
    if failure.kind in _MORE_REVERTS and tries < policy.reverts:
        waiting = replace(state, reverts=tries, delay=policy.delay(tries, chance=facts.chance))
        return probe_round(waiting, facts)
    if ending is not Status.FAILED:
        state = replace(state, failure=not_put_back(state.failure, failure))
    return end(replace(state, reverts=tries), ending)


def _revert_ending(state: MachineState, failure: Failure) -> Status:
    """How a revert ends that failed for good: by what is known of the target."""
    unknown = failure.kind in _UNDECIDED or state.phase is not Phase.REVERT
    match failure.kind:
        case _ if failure == NOT_REVERTED:
            return Status.DIVERGED
        case _ if unknown:
            return Status.UNVERIFIED
        case FailureKind.DEGRADED:
            return Status.DEGRADED
        case FailureKind.UNSUPPORTED:
            return Status.FAILED if state.live is Candidate.CURRENT else Status.UNVERIFIED
        case _:
            return Status.UNVERIFIED if state.live is Candidate.CURRENT else Status.DIVERGED


def _settle_failed(
    state: MachineState, kind: FailureKind, facts: Facts, policy: RetryPolicy
) -> MachineState:
    if kind not in _UNDECIDED or state.attempt >= policy.reverts:
        return end(state, Status.UNVERIFIED)
    again = replace(
        state, attempt=state.attempt + 1, delay=policy.delay(state.attempt, chance=facts.chance)
    )
    return probe_round(again, facts)
