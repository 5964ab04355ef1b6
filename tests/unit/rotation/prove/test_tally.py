"""Statistics of what clients saw."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.rotation.prove.logins import Login, Outcome
from rotator.rotation.prove.tally import Statistics, Tally
from tests.unit.rotation.prove.made import DUAL, FETCHING, GAP, HOLDING, login


def seen(*logins: Login) -> Statistics:
    """The statistics of one client that fetches, where there is a gap."""
    tally = Tally(GAP, [FETCHING])
    for each in logins:
        tally.take(each)
    return tally.statistics()[0]


def test_the_longest_gap_is_one_clients_own() -> None:
    """It reaches from success to success of one client, over its failures, and others don't fill it."""
    tally = Tally(GAP, [FETCHING, FETCHING])
    for each in (
        login(at=1.0, seconds=0.5),
        login(at=2.0, client=1),
        login(Outcome.REFUSED, at=2.0, seconds=0.3),
        login(at=3.0, client=1),
        login(at=4.0, seconds=0.5),
    ):
        tally.take(each)
    assert tally.statistics()[0].longest_gap == pytest.approx(3.0)


def test_a_single_success_has_no_gap() -> None:
    """Before the second success nothing can be said of gaps."""
    assert seen(login()).longest_gap is None


@given(st.lists(st.floats(min_value=0, max_value=10), min_size=1, max_size=300))
def test_quantiles_are_of_the_nearest_rank(times: list[float]) -> None:
    """Half of the logins took no longer than the median, 99 of 100 no longer than p99, and each is one of them."""
    found = seen(*(login(seconds=seconds) for seconds in times))
    assert found.median is not None
    assert found.p99 is not None
    taken = [login(seconds=seconds).seconds for seconds in times]
    for quantile, share in ((found.median, 0.5), (found.p99, 0.99)):
        assert quantile in taken
        assert sum(t <= quantile for t in taken) >= math.ceil(share * len(taken))
        assert sum(t < quantile for t in taken) < math.ceil(share * len(taken))


def test_failures_have_no_latency() -> None:
    """A refusal that took long is no slow login."""
    found = seen(login(seconds=0.1), login(Outcome.REFUSED, seconds=9.0))
    assert found.median == found.p99 == pytest.approx(0.1)


def test_reading_the_secret_is_told_apart_from_the_login() -> None:
    """The wait at the read barrier counts as reading, not as latency."""
    found = seen(login(waited=1.5), login(waited=0.2))
    assert found.longest_wait == 1.5
    assert found.p99 == pytest.approx(0.01)


def test_every_kind_of_failure_is_counted_once() -> None:
    """Broken, held and late ones make up all failures, with their reasons."""
    found = seen(
        login(),
        login(Outcome.REFUSED),
        login(Outcome.REFUSED, held_for=5.0),
        login(Outcome.REFUSED, seconds=1.0),
        login(Outcome.ERROR, message="no room"),
        login(),
    )
    assert (found.logins, found.failures) == (2, 4)
    assert (found.broken, found.held, found.late) == (2, 1, 1)
    assert dict(found.reasons) == {"refused": 3, "error: no room": 1}
    assert not found.kept


def test_a_held_refusal_that_heals_keeps_the_promise() -> None:
    """One refusal of a held value and a success after it are what a gap promises."""
    tally = Tally(GAP, [HOLDING])
    tally.take(login(kind=HOLDING))
    tally.take(login(Outcome.REFUSED, kind=HOLDING, at=5.0, held_for=5.0))
    assert tally.statistics()[0].lost == 1
    assert not tally.statistics()[0].kept
    tally.take(login(kind=HOLDING, at=5.1, version="v2"))
    assert tally.statistics()[0].lost == 0
    assert tally.statistics()[0].kept


def test_one_that_reading_again_does_not_heal_breaks_it() -> None:
    """The second refusal, of what was just read, has no excuse."""
    tally = Tally(GAP, [HOLDING])
    tally.take(login(kind=HOLDING))
    tally.take(login(Outcome.REFUSED, kind=HOLDING, at=5.0, held_for=5.0))
    tally.take(login(Outcome.REFUSED, kind=HOLDING, at=5.1))
    tally.take(login(kind=HOLDING, at=5.2))
    assert tally.broken == 1
    assert not tally.statistics()[0].kept


def test_without_a_login_nothing_is_kept() -> None:
    """Clients that never logged in prove nothing."""
    assert not Tally(DUAL, [FETCHING]).statistics()[0].kept


def test_all_use_a_version_when_the_last_of_them_does() -> None:
    """A client that still holds the old value, or whose last login failed, is not there yet."""
    tally = Tally(GAP, [FETCHING, HOLDING])
    tally.take(login(version="v2"))
    tally.take(login(client=1, kind=HOLDING, version="v1"))
    assert not tally.all_use("v2")
    tally.take(login(client=1, kind=HOLDING, version="v2", at=1.0))
    assert tally.all_use("v2")
    tally.take(login(Outcome.REFUSED, client=1, kind=HOLDING, at=9.0, held_for=8.0, version="v2"))
    assert not tally.all_use("v2")


def test_reasons_stay_few() -> None:
    """A target that words each failure differently can't fill the memory."""
    found = seen(*(login(Outcome.ERROR, message=f"failure {n}") for n in range(100)))
    assert found.failures == 100
    assert len(found.reasons) == 5
