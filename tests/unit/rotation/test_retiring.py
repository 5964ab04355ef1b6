"""How long an old credential is left alone, and what of its retirement may be left out."""

import pytest

from rotator.model.rotation import Failure, MachineState, Phase, RetireStep
from rotator.rotation import retiring
from rotator.rotation.actions import Done, Facts, Proved
from rotator.rotation.policy import RetryPolicy
from rotator.rotation.reasons import NEW_REFUSED, OLD_ACCEPTED
from rotator.sdk import Candidate, FailureKind, Overlap, Proof

FACTS = Facts(candidates=frozenset(Candidate), default_grace=60.0)
UNSUPPORTED = Failure(phase=Phase.RETIRE, kind=FailureKind.UNSUPPORTED, message="it can't")
BUSY = Failure(phase=Phase.RETIRE, kind=FailureKind.BUSY, message="it is busy")


@pytest.mark.parametrize(
    ("overlap", "chosen", "compromised", "seconds"),
    [
        (Overlap.DUAL, None, False, 60.0),
        (Overlap.ALTERNATING, None, False, None),
        (Overlap.DUAL, 5.0, False, 5.0),
        (Overlap.ALTERNATING, 5.0, False, 5.0),
        (Overlap.DUAL, 0.0, False, 0.0),
        (Overlap.ALTERNATING, None, True, 0.0),
        (Overlap.DUAL, 5.0, True, 0.0),
    ],
)
def test_the_grace_period_of_each_overlap(
    *, overlap: Overlap, chosen: float | None, compromised: bool, seconds: float | None
) -> None:
    """What was chosen counts; else two passwords get the default, two users take turns; the compromised gets none."""
    state = MachineState(overlap=overlap, compromised=compromised)
    facts = Facts(candidates=FACTS.candidates, default_grace=60.0, grace=chosen)
    assert retiring.grace_of(state, facts) == seconds


@pytest.mark.parametrize("step", RetireStep)
@pytest.mark.parametrize("failure", [UNSUPPORTED, BUSY])
def test_only_what_the_rotator_can_not_do_is_left_out(step: RetireStep, failure: Failure) -> None:
    """All of the retirement but the cut may be unsupported; nothing of other phases, and no other failure."""
    state = MachineState(phase=Phase.RETIRE, retire=step)
    expected = failure is UNSUPPORTED and step is not RetireStep.CUT
    assert retiring.skips(state, failure) is expected
    for phase in set(Phase) - {Phase.RETIRE}:
        assert not retiring.skips(MachineState(phase=phase, retire=step), failure)


@pytest.mark.parametrize(
    ("step", "proof", "reason"),
    [
        (RetireStep.CHECK, Proof.REFUSED, NEW_REFUSED),
        (RetireStep.PROVE_NEW, Proof.REFUSED, NEW_REFUSED),
        (RetireStep.PROVE_OLD, Proof.ACCEPTED, OLD_ACCEPTED),
    ],
)
def test_a_proof_that_is_not_as_it_should_be_says_which_credential(
    step: RetireStep, proof: Proof, reason: Failure
) -> None:
    """The new credential that is refused and the old one that still logs in are told apart."""
    state = MachineState(phase=Phase.RETIRE, retire=step, overlap=Overlap.DUAL)
    after = retiring.advance(state, Proved(proof), facts=FACTS, policy=RetryPolicy())
    assert after.failure == reason


def test_what_failed_before_the_old_credential_was_retired_is_no_warning_after_it() -> None:
    """An attempt that failed, or clients that were waited for, are over and done with once it is refused."""
    state = MachineState(phase=Phase.RETIRE, retire=RetireStep.CUT, failure=BUSY)
    after = retiring.advance(state, Done(), facts=FACTS, policy=RetryPolicy())
    assert after.failure is None
