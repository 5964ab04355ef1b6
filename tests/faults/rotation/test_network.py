"""The network between rotator and target fails."""

from collections.abc import Callable

import pytest

from rotator.model.rotation import Phase, Status
from rotator.rotation.report import Progress, ProgressKind
from rotator.sdk import FailureKind
from tests.faults.rotation.situations import (
    ALTERNATING_FIRST,
    ALTERNATING_SECOND,
    SINGLE_ADMIN,
    SINGLE_ALONE,
    Scene,
    Situation,
    stage,
)
from tests.support.house import House
from tests.support.postgres import DatabaseServer
from tests.support.tcp_proxy import Sender, TcpProxy

CHANGE = b"PASSWORD 'SCRAM-SHA-256"
NewProxy = Callable[[str, int], TcpProxy]

each_situation = pytest.mark.parametrize(
    "situation", [SINGLE_ALONE, SINGLE_ADMIN, ALTERNATING_FIRST, ALTERNATING_SECOND], ids=str
)
each_strategy = pytest.mark.parametrize("situation", [SINGLE_ALONE, ALTERNATING_SECOND], ids=str)


def _behind(proxy: TcpProxy, house: House, server: DatabaseServer, situation: Situation) -> Scene:
    """A secret whose rotator reaches the server through the proxy; the test's own logins don't."""
    return stage(house, server, situation, address=(proxy.host, proxy.port))


@each_situation
@pytest.mark.parametrize("arrives", [False, True], ids=["before-it-arrives", "after-it-arrived"])
def test_connection_lost_in_the_change(
    house: House,
    pg16: DatabaseServer,
    tcp_proxy: NewProxy,
    situation: Situation,
    arrives: bool,
) -> None:
    """Where a connection is lost in the middle of the change, probes tell what happened, and the same value goes on."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    scene = _behind(proxy, house, pg16, situation)
    proxy.cut_at(CHANGE, sender=Sender.CLIENT, deliver=arrives)

    report = house.rotate(scene.secret)

    assert proxy.tripped.is_set()
    assert report.status is Status.SUCCEEDED, report.failure
    assert FailureKind.UNKNOWN in {step.outcome for step in report.steps}
    assert Phase.PROBE in {step.phase for step in report.steps}
    assert scene.new_versions() == {report.token}
    assert scene.logs_in()


@each_strategy
@pytest.mark.parametrize("fault", ["refuse", "blackhole"])
def test_outage_before_the_change_passes(
    house: House, pg16: DatabaseServer, tcp_proxy: NewProxy, situation: Situation, fault: str
) -> None:
    """A target that can't be reached at first is tried again, and the rotation succeeds with its one value."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    scene = _behind(proxy, house, pg16, situation)
    hasty = house.with_policy(step_limit=0.5) if fault == "blackhole" else house
    getattr(proxy, fault)()

    def mend(progress: Progress) -> None:
        if progress.kind is ProgressKind.WAITING:
            proxy.forward()

    report = hasty.rotate(scene.secret, observer=mend, engine=hasty.engine())

    assert report.status is Status.SUCCEEDED, report.failure
    assert report.attempts == 2
    assert scene.new_versions() == {report.token}
    assert scene.logs_in()


@each_strategy
def test_lasting_outage_before_the_change_fails_with_the_target_as_before(
    house: House, pg16: DatabaseServer, tcp_proxy: NewProxy, situation: Situation
) -> None:
    """Attempts are bounded; a target never reached is as before, no label has moved, and the next run works."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    scene = _behind(proxy, house, pg16, situation)
    proxy.refuse()

    report = house.rotate(scene.secret)

    assert report.status is Status.FAILED
    assert report.attempts == house.policy.retry.attempts
    assert report.failure is not None
    assert report.failure.kind is FailureKind.UNREACHABLE
    assert house.labels(scene.secret) == scene.labels
    assert scene.logs_in()
    proxy.forward()
    assert house.rotate(scene.secret).status is Status.SUCCEEDED
    assert scene.logs_in()


@each_situation
@pytest.mark.parametrize("arrives", [False, True], ids=["before-it-arrives", "after-it-arrived"])
def test_lasting_outage_from_the_change_on_ends_unverified(
    house: House,
    pg16: DatabaseServer,
    tcp_proxy: NewProxy,
    situation: Situation,
    arrives: bool,
) -> None:
    """Where nobody can tell what the target has both values are kept, and the next run goes on with the same."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    scene = _behind(proxy, house, pg16, situation)
    proxy.cut_at(CHANGE, sender=Sender.CLIENT, deliver=arrives)

    def cut_off(_: Progress) -> None:
        if proxy.tripped.is_set():
            proxy.refuse()

    report = house.rotate(scene.secret, observer=cut_off)

    assert report.status is Status.UNVERIFIED, report.failure
    assert report.attempts <= house.policy.retry.attempts
    assert house.labels(scene.secret) == scene.labels | {"AWSPENDING": report.token}
    scene.still_holds()

    proxy.forward()
    again = house.rotate(scene.secret)
    assert again.status is Status.SUCCEEDED, again.failure
    assert again.token == report.token
    assert scene.new_versions() == {report.token}
    assert scene.logs_in()
