"""The moves of the machine that several of its states share."""

from dataclasses import replace

from rotator.model.rotation import Goal, MachineState, Phase, Status
from rotator.rotation.actions import Facts
from rotator.rotation.reasons import NOTHING_LIVES, with_earlier
from rotator.sdk import Candidate, Overlap

_ROTATE_ORDER = (Candidate.PENDING, Candidate.CURRENT, Candidate.PREVIOUS, Candidate.PINNED)
_SETTLE_ORDER = (Candidate.CURRENT, Candidate.PINNED)


def probe_round(state: MachineState, facts: Facts) -> MachineState:
    """Asks the target which value it accepts; the engine acts on what logs in."""
    order = _SETTLE_ORDER if state.goal is Goal.SETTLE else _ROTATE_ORDER
    probes = tuple(candidate for candidate in order if candidate in facts.candidates)
    if not probes:
        return nothing_lives(state, facts)
    return replace(state, phase=Phase.PROBE, probes=probes)


def exposed(state: MachineState) -> bool:
    """Whether a change of the target may have begun that no probe has settled since."""
    return state.touched and state.overlap is not Overlap.NONE


def succeeded(state: MachineState) -> MachineState:
    """The end that needs no reason."""
    return end(replace(state, failure=None), Status.SUCCEEDED)


def settled(state: MachineState, facts: Facts) -> MachineState:
    """AWSCURRENT has moved and logs in: the end, unless the old credential has yet to be retired.

    With a gap it is dead, but its sessions may live, and where it is compromised they end.
    """
    dead = state.overlap is Overlap.GAP
    if state.overlap is Overlap.NONE or (dead and not state.compromised):
        return succeeded(state)
    from rotator.rotation import retiring  # a rotation with a gap does without it

    return retiring.grace(replace(state, failure=None), facts)


def end(state: MachineState, status: Status) -> MachineState:
    """The end."""
    return replace(state, phase=Phase.ENDED, status=status, delay=0.0, probes=())


def turn_back(state: MachineState, facts: Facts) -> MachineState:
    """Heads for the current value; there already where no change was ever sent."""
    state = replace(state, goal=Goal.REVERT)
    if state.overlap is Overlap.NONE or not (state.dirty or state.touched):
        return end(state, Status.FAILED)
    return probe_round(replace(state, dirty=True), facts)


def nothing_lives(state: MachineState, facts: Facts) -> MachineState:
    """No candidate logs in: somebody else changed the credential. An admin secret can set it all the same."""
    if facts.has_admin and state.goal is Goal.ROTATE:
        return replace(state, phase=Phase.PREFLIGHT, touched=False, live=Candidate.CURRENT)
    if facts.has_admin and state.goal is Goal.REVERT:
        # Any other than CURRENT, which a rotator would take for a target that needs no change.
        others = [candidate for candidate in _ROTATE_ORDER if candidate in facts.candidates]
        live = next((c for c in others if c is not Candidate.CURRENT), state.live)
        return replace(state, phase=Phase.REVERT, live=live)
    earlier = None if state.goal is Goal.ROTATE else state.failure
    return end(replace(state, failure=with_earlier(earlier, NOTHING_LIVES)), Status.DIVERGED)
