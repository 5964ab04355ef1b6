"""The state machine of a rotation, sans I/O: state and outcome in, next action out.

No clock, no randomness, no driver. The runner performs the actions on real parts; the property tests and the crash
tests perform them too. Three rules shape it:

- The journal is opened (durably, with the new value sealed) before the target may change, and from then on the outcome
  counts as unknown until setSecret's answer or a probe settles it. Where the target issues the value, it is opened
  without one before createSecret, whose idempotency key is the token, and again with the value after it.
- Where the outcome is unknown no new value is made: the candidates are probed, and what logs in decides. Only a value
  that the target refused by its policy, with nothing changed ever, is given up for a stricter one.
- Every way through it is bounded: attempts by the class of the failure, reverts by their own budget.
"""

from dataclasses import replace

from rotator.model.rotation import Goal, MachineState, Phase, RetireStep, Status
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.rotation.moves import (
    end,
    exposed,
    nothing_lives,
    probe_round,
    settled,
    succeeded,
    turn_back,
)
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.reasons import (
    ABANDONED_VALUE_LIVES,
    NOT_CONFIRMED,
    NOT_REVERTED,
    TEST_STOPPED,
    with_earlier,
)
from rotator.rotation.setbacks import failed
from rotator.sdk import Candidate, Overlap, Proof

_DIRECT = {
    Phase.INTENT: Action(Act.OPEN),
    Phase.PREFLIGHT: Action(Act.PREFLIGHT),
    Phase.CREATE: Action(Act.CREATE),
    Phase.TEST: Action(Act.TEST),
    Phase.FINISH: Action(Act.FINISH),
    Phase.REVERT: Action(Act.REVERT),
    Phase.ENDED: Action(Act.END),
}


def begin(
    *, created: bool, uncertain: bool, facts: Facts, overlap: Overlap | None = None
) -> MachineState:
    """A new rotation.

    Args:
        created: AWSPENDING has a value already, which is taken up.
        uncertain: an earlier run may have changed the target and left it unsettled.
        overlap: as that run's preflight resolved it, where it had the same token.
    """
    state = MachineState(
        created=created,
        touched=uncertain,
        dirty=uncertain,
        taken_over=uncertain,  # a session of that run may still be at work
        overlap=overlap,
    )
    return probe_round(state, facts) if uncertain else state


def testing() -> MachineState:
    """A test of a rotation function: testSecret alone, once, on a version that is made for it and removed."""
    return MachineState(goal=Goal.TEST, phase=Phase.INTENT)


def resumed(state: MachineState, *, facts: Facts, taken_over: bool) -> MachineState:
    """The state from which another run goes on, after a crash or after waiting.

    Args:
        taken_over: the earlier owner was replaced, so something of it may still be under way.
    """
    if state.status is Status.GRACE:
        from rotator.rotation import retiring  # a rotation with a gap does without it

        return retiring.begun(state)
    state = replace(
        state, delay=0.0, taken_over=state.taken_over or taken_over, status=Status.RUNNING
    )
    if state.goal is Goal.TEST:
        return replace(state, phase=Phase.INTENT)
    if state.goal is not Goal.ROTATE:
        return probe_round(state, facts)
    if state.finished and not state.touched:
        return replace(state, phase=Phase.CONFIRM)
    if exposed(state):
        return probe_round(replace(state, dirty=True), facts)
    return replace(state, phase=Phase.PREFLIGHT)


def aborted(state: MachineState, *, facts: Facts, taken_over: bool) -> MachineState:
    """The state from which `rotate abort` goes on: towards the current value, with a budget of its own.

    Args:
        taken_over: the earlier owner was replaced, so something of it may still be under way.
    """
    if state.goal is Goal.TEST:
        return end(replace(state, failure=TEST_STOPPED), Status.FAILED)
    fresh = replace(
        state,
        delay=0.0,
        attempt=1,
        reverts=0,
        taken_over=state.taken_over or taken_over,
        status=Status.RUNNING,
    )
    return turn_back(fresh, facts)


def settling(state: MachineState, *, facts: Facts) -> MachineState:
    """The state from which it is found out which value of an abandoned rotation lives.

    Settling that waited for its next attempt goes on with what is left of its budget.
    """
    if state.goal is Goal.TEST and not (state.touched or state.dirty):
        return end(state, Status.ABANDONED)
    attempt = state.attempt if state.goal is Goal.SETTLE else 1
    # What was pending is no label's any more, so it has another name.
    live = Candidate.PINNED if state.live is Candidate.PENDING else state.live
    begun = replace(
        state,
        goal=Goal.SETTLE,
        status=Status.ABANDONING,
        delay=0.0,
        attempt=attempt,
        taken_over=True,
        live=live if live in facts.candidates else Candidate.CURRENT,
    )
    if state.overlap is Overlap.NONE:
        return end(begun, Status.ABANDONED)
    return probe_round(begun, facts)


def next_action(state: MachineState) -> Action:
    """What to do in this state."""
    if is_resting(state):
        return Action(Act.REST)
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
        case Phase.RETIRE:
            from rotator.rotation import retiring  # a rotation with a gap does without it

            return retiring.next_action(state)
        case _:
            return _DIRECT[state.phase]


def advance(
    state: MachineState, outcome: Outcome, *, facts: Facts, policy: RetryPolicy
) -> MachineState:
    """The state after the action of `state` had this outcome."""
    if state.phase is Phase.RETIRE:
        from rotator.rotation import retiring  # a rotation with a gap does without it

        return retiring.advance(state, outcome, facts=facts, policy=policy)
    match outcome:
        case Failed(failure):
            return failed(state, failure, facts, policy)
        case Proved(proof):
            return _proved(state, proof, facts, policy)
        case Done(overlap):
            return _done(state, overlap, facts)


def is_resting(state: MachineState) -> bool:
    """Whether the retirement is left to a later run: the grace period lasts, or clients are waited for."""
    return state.phase is Phase.RETIRE and state.retire is RetireStep.REST


def _done(state: MachineState, overlap: Overlap | None, facts: Facts) -> MachineState:
    match next_action(state).act:
        case Act.PREFLIGHT:
            create = Phase.INTENT if facts.issues_value else Phase.CREATE
            # A function is always asked: only it knows whether what it has stored is all that its createSecret does.
            after = Phase.SET if state.created and not facts.invokes else create
            return replace(state, phase=after, overlap=overlap)
        case Act.CREATE:
            # An issued value is not stored yet: the journal is opened once more, with it.
            return replace(state, phase=Phase.SET, created=True, touched=False)
        case Act.OPEN if state.goal is Goal.TEST:
            return replace(state, phase=Phase.TEST, created=True)
        case Act.OPEN:
            after = Phase.CREATE if state.phase is Phase.INTENT else state.phase
            return replace(state, phase=after, touched=True)
        case Act.SET:
            return replace(state, phase=Phase.TEST, dirty=True, live=Candidate.PENDING)
        case Act.TEST if state.goal is Goal.TEST:
            return succeeded(state)
        case Act.TEST:
            return replace(state, phase=Phase.FINISH)
        case Act.FINISH:
            done = replace(state, finished=True, touched=False)
            return replace(done, phase=Phase.CONFIRM) if state.taken_over else settled(done, facts)
        case Act.REVERT:
            return replace(state, phase=Phase.VERIFY)
        case act:
            raise ValueError(f"{act} has no plain outcome")


def _proved(state: MachineState, proof: Proof, facts: Facts, policy: RetryPolicy) -> MachineState:
    accepted = proof is Proof.ACCEPTED
    if state.phase is Phase.VERIFY:
        if accepted:
            settles = state.goal is Goal.SETTLE
            return end(state, Status.ABANDONED if settles else Status.FAILED)
        return failed(state, NOT_REVERTED, facts, policy)
    if state.phase is Phase.CONFIRM:
        if accepted:
            return settled(state, facts)
        # Somebody else's change is on the target, so what lives there is open again, after a crash too.
        return failed(replace(state, touched=True), NOT_CONFIRMED, facts, policy)
    candidate, rest = state.probes[0], state.probes[1:]
    if accepted:
        return _found(replace(state, live=candidate, probes=()), facts)
    if rest:
        return replace(state, probes=rest)
    return nothing_lives(replace(state, probes=()), facts)


def _found(state: MachineState, facts: Facts) -> MachineState:
    """A probe round found the credential that logs in."""
    match state.goal:
        case Goal.SETTLE:
            if state.live is Candidate.CURRENT and facts.issues_value and not state.created:
                # Between the intent and the stored value: what the target has issued nobody has kept.
                return replace(state, phase=Phase.REVERT)
            if state.live is Candidate.CURRENT:
                return end(state, Status.ABANDONED)
            reason = with_earlier(state.failure, ABANDONED_VALUE_LIVES)
            return end(replace(state, failure=reason), Status.DIVERGED)
        case Goal.REVERT:
            unset = Candidate.PENDING not in facts.candidates and not facts.issues_value
            if state.live is Candidate.CURRENT and unset:
                return end(state, Status.FAILED)
            return replace(state, phase=Phase.REVERT)
        case Goal.ROTATE:
            if state.live is Candidate.PENDING and state.overlap is not None:
                return replace(state, phase=Phase.TEST)
            return replace(state, phase=Phase.PREFLIGHT, touched=False)
        case Goal.TEST:
            raise ValueError("a test asks nothing but the function")
