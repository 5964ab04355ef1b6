"""How often a rotation is tried, and how far apart."""

from hypothesis import given
from hypothesis import strategies as st

from rotator.rotation.policy import RetryPolicy
from rotator.sdk import FailureKind

SECONDS = st.floats(0, 1000)
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 50),
    base=SECONDS,
    factor=st.floats(1, 10),
    cap=SECONDS,
    jitter=st.floats(0, 1),
)
CHANCES = st.floats(0, 1)


@given(policy=POLICIES, attempt=st.integers(1, 10_000), chance=CHANCES)
def test_no_delay_is_longer_than_the_cap(policy: RetryPolicy, attempt: int, chance: float) -> None:
    """Whatever the attempt and the chance, a delay lies between nothing and the cap."""
    assert 0 <= policy.delay(attempt, chance=chance) <= policy.cap


@given(policy=POLICIES, attempt=st.integers(1, 100), chance=CHANCES)
def test_jitter_takes_its_share_at_most(policy: RetryPolicy, attempt: int, chance: float) -> None:
    """Chance shortens a delay by the share that the jitter leaves to it, and never lengthens it."""
    full = policy.delay(attempt, chance=0)

    assert full * (1 - policy.jitter) <= policy.delay(attempt, chance=chance) <= full


@given(policy=POLICIES, attempt=st.integers(1, 100))
def test_delays_grow(policy: RetryPolicy, attempt: int) -> None:
    """Without jitter no delay is shorter than the one before."""
    assert policy.delay(attempt, chance=0) <= policy.delay(attempt + 1, chance=0)


def test_delays_double_up_to_the_cap() -> None:
    """The default: one second, then twice the last, a minute at most."""
    delays = [RetryPolicy().delay(attempt, chance=0) for attempt in range(1, 9)]

    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


@given(policy=POLICIES, kind=st.sampled_from(FailureKind))
def test_every_class_has_a_bounded_budget(policy: RetryPolicy, kind: FailureKind) -> None:
    """A failure of any class gets one try at least, and never more than the policy's attempts."""
    assert 1 <= policy.limit(kind) <= policy.attempts


def test_the_budget_goes_by_the_class() -> None:
    """What waiting can't mend gets one try, a plain refusal or a bug two, and the rest all of them."""
    limits = {kind: RetryPolicy(attempts=7).limit(kind) for kind in FailureKind}

    assert limits == {
        FailureKind.MISCONFIGURED: 1,
        FailureKind.UNSUPPORTED: 1,
        FailureKind.DEGRADED: 1,
        FailureKind.REFUSED: 2,
        FailureKind.POLICY: 2,
        FailureKind.BUG: 2,
        FailureKind.BUSY: 7,
        FailureKind.UNREACHABLE: 7,
        FailureKind.UNKNOWN: 7,
    }
