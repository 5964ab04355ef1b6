"""Who is left alone for a while, and how that ends."""

from hypothesis import given
from hypothesis import strategies as st

from rotator.daemon.backoff import Breakers, Holds


def test_a_target_that_is_down_is_paused_then_tried_by_one() -> None:
    """Three failures in a row pause it; after the pause one task tries; each further failure pauses it for longer."""
    breakers = Breakers()
    assert [breakers.note("db:1", reached=False, now=0.0) for _ in range(2)] == [None, None]
    assert breakers.caps(0.0) == {}
    assert breakers.note("db:1", reached=False, now=0.0) == 15.0
    assert breakers.caps(14.9) == {"db:1": 0}
    assert breakers.caps(15.0) == {"db:1": 1}
    assert breakers.note("db:1", reached=False, now=15.0) == 30.0
    assert breakers.caps(44.9) == {"db:1": 0}
    assert breakers.note("db:1", reached=True, now=45.0) is None
    assert breakers.caps(45.0) == {}


def test_a_target_that_is_reached_in_between_is_not_paused() -> None:
    """Only failures in a row count, and each target's for itself."""
    breakers = Breakers()
    for _ in range(5):
        breakers.note("a:1", reached=False, now=0.0)
        breakers.note("b:1", reached=False, now=0.0)
        breakers.note("a:1", reached=True, now=0.0)
    assert set(breakers.caps(0.0)) == {"b:1"}


@given(times=st.integers(1, 2000))
def test_pauses_grow_to_a_limit(times: int) -> None:
    """However often it fails, a target or a secret is tried again within five minutes."""
    breakers, holds = Breakers(), Holds()
    pauses = [holds.refused("arn", now=0.0) for _ in range(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 1.0
    assert pauses[-1] <= 300.0
    assert all((breakers.note("a:1", reached=False, now=0.0) or 0.0) <= 300.0 for _ in range(times))


def test_a_refused_secret_is_held_and_then_let_go() -> None:
    """It is left alone for the pause; once its task begins, the count begins anew."""
    holds = Holds()
    assert holds.refused("arn", now=10.0) == 1.0
    assert holds.held(10.9) == {"arn"}
    assert holds.held(11.0) == frozenset()
    assert holds.refused("arn", now=11.0) == 2.0
    assert (holds.times("arn"), holds.next_in(12.5)) == (2, 0.5)
    holds.begun("arn")
    assert (holds.times("arn"), holds.next_in(12.5)) == (0, None)
    assert holds.refused("arn", now=20.0) == 1.0


def test_a_secret_that_nobody_comes_back_to_is_forgotten() -> None:
    """It was rotated by another daemon or removed: nothing is kept of it for ever."""
    holds = Holds()
    holds.refused("arn", now=0.0)
    assert holds.held(300.0) == frozenset()
    assert holds.times("arn") == 1
    holds.held(302.0)
    assert holds.times("arn") == 0
