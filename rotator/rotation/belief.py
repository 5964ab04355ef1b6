"""What is believed of a rotation's row: where it contradicts what else is stored, the safe side, or nothing at all."""

from collections.abc import Collection
from dataclasses import replace

from rotator.model.labels import CURRENT, Labels
from rotator.model.rotation import Goal, MachineState, Phase, Status
from rotator.sdk import Candidate, Overlap
from rotator.store.rotation_row import RotationRow, altered


def believed(row: RotationRow, *, at: Labels, candidates: Collection[Candidate]) -> MachineState:
    """The state from which a run goes on.

    A value under the rotation's token was committed with the journal's opening, so the target may have changed; a
    barrier is raised for a gap alone; AWSCURRENT is on the token from finishSecret's commit on.

    Args:
        at: the secret's labels.
        candidates: the versions that have a value.

    Raises:
        RowAltered: it is a state that no rotation can be in.
    """
    state = row.state
    if row.fencing < 1 or row.attempt < 1 or row.reverts < 0:
        raise altered(row.id, "its numbers are none that a rotation can have")
    if state.status is Status.ABANDONING:
        return state
    if state.status is Status.GRACE:
        if not state.finished:
            raise altered(row.id, "it is in its grace period, but AWSCURRENT has not moved")
        return replace(state, phase=Phase.RETIRE)
    current = at.version(CURRENT)
    finished = current == row.token
    if not finished and current != row.current_version:
        raise altered(row.id, "AWSCURRENT is on another version than when it began")
    has_value = Candidate.PENDING in candidates
    if state.goal is Goal.TEST:
        if finished or state.touched or state.dirty or row.barrier_raised_at is not None:
            raise altered(row.id, "it is a test, which changes nothing, but says that it did")
        return replace(state, created=has_value)
    return replace(
        state,
        finished=finished,
        created=state.created or has_value,
        touched=state.touched or (has_value and not finished) or state.finished != finished,
        overlap=state.overlap if row.barrier_raised_at is None else Overlap.GAP,
    )
