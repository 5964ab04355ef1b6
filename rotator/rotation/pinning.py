"""The versions that a rotation leaves pinned, since the target may still accept them."""

from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import MachineState, Status
from rotator.rotation.claim import Claim
from rotator.sdk import Candidate, Overlap
from rotator.store import left_over
from rotator.store.tx import Tx

_OLD_LIVES = frozenset({Overlap.DUAL, Overlap.ALTERNATING})


def to_retire(claim: Claim, state: MachineState) -> list[str]:
    """The version that the target accepts beside the new one, so that it is not pruned before it is retired."""
    current = claim.candidates.get(Candidate.CURRENT)
    return [current.version_id] if current and state.overlap in _OLD_LIVES else []


def not_retired(tx: Tx, claim: Claim, state: MachineState, at: Labels) -> list[str]:
    """The versions whose credentials nobody has retired: a later rotation takes them away."""
    if state.status is Status.UNRETIRED:
        return to_retire(claim, state)
    if state.status not in {Status.FAILED, Status.ABANDONED}:
        return []
    return sorted(left_over.left_over(tx, claim.secret.id) - {at.version(names.CURRENT)})
