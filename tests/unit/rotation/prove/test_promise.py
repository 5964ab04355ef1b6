"""What a failed login means, by what the strategy promises."""

import pytest

from rotator.rotation.prove.logins import Login, Outcome
from rotator.rotation.prove.promise import Fault, Promise
from rotator.sdk import Overlap
from tests.unit.rotation.prove.made import GAP, login


@pytest.mark.parametrize("overlap", [Overlap.DUAL, Overlap.ALTERNATING])
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NO_VALUE, Outcome.ERROR])
@pytest.mark.parametrize("held_for", [None, 3600.0])
def test_with_an_overlap_every_failure_breaks_the_promise(
    overlap: Overlap, outcome: Outcome, held_for: float | None
) -> None:
    """Two credentials that log in leave no excuse, however long the value was held."""
    failed = login(outcome, held_for=held_for, seconds=60.0)
    assert Promise(overlap=overlap, drain=0.25).judge(failed) is Fault.BROKEN


@pytest.mark.parametrize("overlap", [Overlap.DUAL, Overlap.ALTERNATING, Overlap.GAP])
def test_a_success_means_nothing_else(overlap: Overlap) -> None:
    """A login that succeeds is no fault, however long it took."""
    assert Promise(overlap=overlap, drain=0.25).judge(login(seconds=99.0)) is None


@pytest.mark.parametrize(
    ("refused", "meaning"),
    [
        (login(Outcome.REFUSED, seconds=0.25), Fault.BROKEN),
        (login(Outcome.REFUSED, seconds=0.26), Fault.LATE),
        (login(Outcome.REFUSED, held_for=0.2, seconds=0.05), Fault.BROKEN),
        (login(Outcome.REFUSED, held_for=5.0), Fault.HELD),
        (login(Outcome.NO_VALUE, seconds=9.0), Fault.BROKEN),
        (login(Outcome.ERROR, held_for=5.0), Fault.BROKEN),
    ],
)
def test_with_a_gap_only_a_refusal_after_the_drain_is_excused(
    refused: Login, meaning: Fault
) -> None:
    """Within the drain of its reading no value may be refused; later a held one may, once."""
    assert GAP.judge(refused) is meaning


def test_the_sentence_has_the_drain() -> None:
    """What is promised is told with its figure."""
    assert "within the drain (250 ms)" in GAP.sentence


@pytest.mark.parametrize(
    ("grace", "said"), [(None, "until the next rotation"), (2.0, "less than the grace period")]
)
def test_the_sentence_says_how_long_may_be_held(grace: float | None, said: str) -> None:
    """Users that take turns hold until the next rotation, or for a grace period where there is one."""
    promise = Promise(overlap=Overlap.ALTERNATING, drain=0.25, grace=grace)
    assert said in promise.sentence
