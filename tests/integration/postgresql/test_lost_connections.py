"""Connections that fall silent or break: every verb ends before its deadline, with the class that is true."""

from collections.abc import Callable

import pytest

from rotator.sdk import Candidate, OutcomeUnknown, Rotation, Rotator, TargetUnreachable, clock
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    attempt,
    current,
    role_of,
    rotation_of,
    value,
    with_pending,
)
from tests.support.postgres import DatabaseServer
from tests.support.tcp_proxy import Sender, TcpProxy

NewProxy = Callable[[str, int], TcpProxy]
SECONDS = 1.5
GRACE = 20.0  # far less than the minutes that a silent connection would last without a limit


class Target:
    """A secret behind a proxy, and rotations of it whose steps are short."""

    def __init__(self, server: DatabaseServer, proxy: TcpProxy, kind: type[Rotator]) -> None:
        self.server = server
        self.proxy = proxy
        self.kind = kind
        self.values = with_pending(
            kind, current(server, server.new_role(), masterarn=ADMIN_ARN, port=proxy.port)
        )
        self.admin = value(server, server.superuser, port=proxy.port)

    def step(self, seconds: float = SECONDS) -> Rotation:
        admin = self.admin if self.kind is AlternatingUsers else None
        return rotation_of(self.values, seconds=seconds, admin=admin)

    @property
    def changed(self) -> bool:
        """Whether the pending password is in force."""
        try:
            return self.server.can_log_in(role_of(self.values[Candidate.PENDING]))
        except Exception:  # noqa: BLE001 (a clone that may not log in hasn't the password either)
            return False


@pytest.fixture(params=[SingleUser, AlternatingUsers])
def target(pg16: DatabaseServer, tcp_proxy: NewProxy, request: pytest.FixtureRequest) -> Target:
    return Target(pg16, tcp_proxy(pg16.host, pg16.port), request.param)


VERBS: dict[str, Callable[[Rotator, Rotation], object]] = {
    "preflight": lambda rotator, step: rotator.preflight(step),
    "set_secret": lambda rotator, step: rotator.set_secret(step),
    "test_secret": lambda rotator, step: rotator.test_secret(step),
    "probe": lambda rotator, step: rotator.probe(step, Candidate.CURRENT),
    "end_older_sessions": lambda rotator, step: rotator.end_older_sessions(step),
}


@pytest.mark.parametrize("verb", VERBS)
def test_silence_from_the_start_ends_at_the_deadline(target: Target, verb: str) -> None:
    """A server that accepts and never answers is unreachable, by the deadline; nothing was sent."""
    target.proxy.blackhole()
    step = target.step()
    with attempt(target.kind) as rotator, pytest.raises(TargetUnreachable):
        VERBS[verb](rotator, step)
    assert clock() < step.deadline + GRACE


def test_silence_before_the_revert_ends_at_the_deadline(target: Target) -> None:
    """A revert that can't log in is unreachable as well."""
    target.proxy.blackhole()
    admin = target.step().admin
    step = rotation_of(target.values, seconds=SECONDS, admin=admin, live=Candidate.PENDING)
    with attempt(target.kind) as rotator, pytest.raises(TargetUnreachable):
        rotator.revert_secret(step)
    assert clock() < step.deadline + GRACE


def test_silence_after_the_change_was_sent_is_unknown(target: Target) -> None:
    """The single-user change goes out in one message on the kept session: silence then leaves it open."""
    with attempt(target.kind) as rotator:
        rotator.preflight(target.step(20))
        target.proxy.blackhole()
        step = target.step()
        expected = OutcomeUnknown if target.kind is SingleUser else TargetUnreachable
        with pytest.raises(expected):
            rotator.set_secret(step)
    assert clock() < step.deadline + GRACE


def test_reset_when_the_change_comes_by_is_unknown(target: Target) -> None:
    """A connection that breaks before the change arrives: the rotator can't know, so it says so; nothing happened."""
    target.proxy.cut_at(b"PASSWORD 'SCRAM", sender=Sender.CLIENT)
    with attempt(target.kind) as rotator, pytest.raises(OutcomeUnknown):
        rotator.set_secret(target.step(20))
    assert target.proxy.tripped.wait(20)
    assert not target.changed


def test_reset_when_the_commit_is_answered_is_unknown(target: Target) -> None:
    """A connection that breaks before the answer: the change happened, and the outcome is unknown."""
    target.proxy.cut_at(b"COMMIT\0", sender=Sender.SERVER)
    with attempt(target.kind) as rotator, pytest.raises(OutcomeUnknown):
        rotator.set_secret(target.step(20))
    assert target.proxy.tripped.wait(20)
    assert target.changed


def test_deadline_that_has_passed_sends_nothing(target: Target) -> None:
    """A process that wakes too late finds its time over and changes nothing, on an open session too."""
    with attempt(target.kind) as rotator:
        rotator.preflight(target.step(20))
        with pytest.raises(TargetUnreachable):
            rotator.set_secret(target.step(-1))
    assert not target.changed


def test_kept_session_that_was_ended_is_replaced(target: Target) -> None:
    """Where the session of preflight was ended meanwhile, the change is made on a new one."""
    with attempt(target.kind) as rotator:
        rotator.preflight(target.step(20))
        target.proxy.cut()
        rotator.set_secret(target.step(20))
    assert target.changed
