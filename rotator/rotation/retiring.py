"""The fifth phase: the grace period of the old credential, and its end.

It is the machine's like the others, sans I/O. All of it may be done again: whoever takes it up begins with the look
whether the new credential logs in, and nothing is taken from the target that a stored label needs.
"""

from dataclasses import replace

from rotator.model.rotation import Failure, InUse, MachineState, Phase, RetireStep, Status
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.rotation.moves import end, succeeded
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.reasons import NEW_REFUSED, OLD_ACCEPTED, sessions_may_live, still_used
from rotator.sdk import Candidate, FailureKind, Overlap, Proof, Use

_LOOKS = 10  # at whether clients have stopped, in one more grace period
_LONGEST_PAUSE = 3600.0  # seconds between two such looks

_ACTIONS = {
    RetireStep.REST: Action(Act.REST),
    RetireStep.CHECK: Action(Act.PROBE, Candidate.PENDING),
    RetireStep.ASK: Action(Act.IN_USE),
    RetireStep.STOP_WAITING: Action(Act.END_WAIT),
    RetireStep.CUT: Action(Act.RETIRE),
    RetireStep.SWEEP: Action(Act.IN_USE),
    RetireStep.EXPEL: Action(Act.END_USE),
    RetireStep.PROVE_NEW: Action(Act.PROBE, Candidate.PENDING),
    RetireStep.PROVE_OLD: Action(Act.PROBE, Candidate.CURRENT),
}
_ENDING_SESSIONS = frozenset({RetireStep.SWEEP, RetireStep.EXPEL})
_MAY_BE_SKIPPED = frozenset(RetireStep) - {RetireStep.CUT}


def grace_of(state: MachineState, facts: Facts) -> float | None:
    """Seconds that the old credential goes on logging in; None where nothing retires it but the next rotation."""
    if state.compromised:
        return 0.0
    if facts.grace is not None:
        return facts.grace
    return facts.default_grace if state.overlap is Overlap.DUAL else None


def grace(state: MachineState, facts: Facts) -> MachineState:
    """The state after AWSCURRENT has moved away from a credential that still logs in."""
    seconds = grace_of(state, facts)
    if seconds is None:
        return succeeded(state)
    if seconds <= 0:
        return begun(state)
    return _resting(state, seconds)


def begun(state: MachineState) -> MachineState:
    """The state from which the old credential is retired; from here on the target may change, and may have changed
    where it was begun before.
    """
    return replace(
        state,
        phase=Phase.RETIRE,
        status=Status.GRACE,
        retire=RetireStep.CHECK,
        touched=True,
        live=Candidate.PENDING,
        delay=0.0,
        probes=(),
    )


def next_action(state: MachineState) -> Action:
    """What to do in the retire phase."""
    return _ACTIONS[state.retire]


def advance(
    state: MachineState, outcome: Outcome, *, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The state after the action of `state` had this outcome."""
    match outcome:
        case Failed(failure):
            return _failed(state, failure, facts, policy)
        case Proved(proof):
            return _proved(state, proof, facts, policy)
        case Done():
            return _done(state, outcome.uses, facts)


def skips(state: MachineState, failure: Failure) -> bool:
    """Whether the retirement goes on without what has failed like this."""
    retiring = state.phase is Phase.RETIRE and state.retire in _MAY_BE_SKIPPED
    return retiring and failure.kind is FailureKind.UNSUPPORTED


def _done(state: MachineState, uses: tuple[Use, ...], facts: Facts) -> MachineState:
    match state.retire:
        case RetireStep.ASK if uses and facts.in_use is InUse.WAIT and facts.patience > 0:
            return _postponed(state, uses, facts)
        case RetireStep.SWEEP if uses:
            return replace(state, retire=RetireStep.EXPEL)
    return _onwards(state, facts)


def _proved(state: MachineState, proof: Proof, facts: Facts, policy: RetryPolicy) -> MachineState:
    """The new credential has to log in, and at last the old one not."""
    wanted = Proof.REFUSED if state.retire is RetireStep.PROVE_OLD else Proof.ACCEPTED
    if proof is wanted:
        return _onwards(state, facts)
    reason = OLD_ACCEPTED if state.retire is RetireStep.PROVE_OLD else NEW_REFUSED
    return _failed(state, reason, facts, policy)


def _failed(
    state: MachineState, failure: Failure, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """What the rotator can't do is left out, but for the retirement itself.

    That sessions may live which were to be ended is kept as a warning.
    """
    if skips(state, failure):
        if state.retire in _ENDING_SESSIONS:
            state = replace(state, failure=sessions_may_live(failure))
        return _onwards(state, facts)
    state = replace(state, failure=failure)
    if state.attempt >= policy.limit(failure.kind) or facts.out_of_time:
        return end(state, Status.UNRETIRED)
    delay = policy.delay(state.attempt, chance=facts.chance)
    return replace(begun(state), attempt=state.attempt + 1, delay=delay)


def _onwards(state: MachineState, facts: Facts) -> MachineState:
    terminates = state.compromised or facts.in_use is InUse.TERMINATE
    match state.retire:
        case RetireStep.CHECK if state.overlap is Overlap.GAP:
            return replace(state, retire=RetireStep.SWEEP, failure=None)
        case RetireStep.CHECK if not terminates:
            return replace(state, retire=RetireStep.ASK)
        case RetireStep.CHECK | RetireStep.ASK:
            # A rest promises that the old credential logs in, so once the cut is sent there must be none any more.
            return replace(state, retire=RetireStep.STOP_WAITING)
        case RetireStep.STOP_WAITING:
            return replace(state, retire=RetireStep.CUT)
        case RetireStep.CUT:
            after = RetireStep.SWEEP if terminates else RetireStep.PROVE_NEW
            return replace(state, retire=after, failure=None)
        case RetireStep.SWEEP | RetireStep.EXPEL:
            return replace(state, retire=RetireStep.PROVE_NEW)
        case RetireStep.PROVE_NEW:
            return replace(state, retire=RetireStep.PROVE_OLD)
        case _:
            retired = state.overlap is not Overlap.GAP
            return end(replace(state, retired=retired, touched=False), Status.SUCCEEDED)


def _postponed(state: MachineState, uses: tuple[Use, ...], facts: Facts) -> MachineState:
    pause = max((facts.grace or facts.default_grace) / _LOOKS, 1.0)
    rested = _resting(state, min(pause, facts.patience, _LONGEST_PAUSE))
    return replace(rested, failure=still_used(uses))


def _resting(state: MachineState, seconds: float) -> MachineState:
    return replace(
        state,
        phase=Phase.RETIRE,
        status=Status.GRACE,
        retire=RetireStep.REST,
        touched=False,
        delay=seconds,
    )
