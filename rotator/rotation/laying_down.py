"""What becomes of a rotation whose run can't go on: its values don't open, or it has no rotator."""

from contextlib import suppress
from dataclasses import replace

from rotator.errors import KeyClosed, KeyUnavailable, RotatorError
from rotator.model.rotation import Failure, MachineState, Phase, Status
from rotator.rotation.claim import Claim
from rotator.rotation.journal import Journal
from rotator.rotation.moves import end
from rotator.sdk import FailureKind


def lay_down(journal: Journal, claim: Claim, state: MachineState, error: RotatorError) -> None:
    """Gives the rotation back with the reason, so that it can be taken up as soon as that is mended; where its time is
    over it ends, and which value lives is for its successor to find out.

    What was not begun ends too, unless only the keys are away: they come back, as the store does.
    """
    failure = Failure(phase=state.phase, kind=FailureKind.MISCONFIGURED, message=str(error))
    laid_down = replace(state, failure=failure)
    passes = isinstance(error, KeyUnavailable) and not isinstance(error, KeyClosed)
    retires, begun = state.phase is Phase.RETIRE, state.touched or state.dirty
    in_time = (
        retires or journal.clock() < claim.deadline
    )  # nothing but itself waits for a retirement
    with suppress(RotatorError):  # the first error is the one to tell
        if in_time and (passes or (begun and not retires)):
            journal.park(claim, laid_down, steps=())
        elif retires:
            journal.end(claim, end(laid_down, Status.UNRETIRED), steps=())
        else:
            ending = Status.UNVERIFIED if begun else Status.FAILED
            journal.end(claim, end(laid_down, ending), steps=())
