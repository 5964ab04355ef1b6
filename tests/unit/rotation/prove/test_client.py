"""A client's rules: when it reads the secret, when it goes on, when it stops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import pytest

from rotator.errors import StoreUnavailable
from rotator.manager.results import SecretValueResult
from rotator.rotation.prove.client import Client
from rotator.rotation.prove.logins import ClientKind, Login, Outcome
from rotator.sdk import NotSupported, Proof, SecretValue, TargetBusy
from tests.unit.rotation.prove.made import FETCHING, HOLDING


@dataclass
class World:
    """A secret, a target that takes some of its values, and a client's patience."""

    current: str = "one"
    accepted: set[str] = field(default_factory=lambda: {"one"})
    reads: int = 0
    broken_store: bool = False
    failure: Exception | None = None
    pauses: list[float] = field(default_factory=list)
    stop: bool = False
    prepared: int = 0
    closed: int = 0

    def read(self) -> SecretValueResult:
        self.reads += 1
        if self.broken_store:
            raise StoreUnavailable("the store is gone")
        return SecretValueResult(
            arn="arn",
            name="db",
            version_id=self.current,
            value=SecretValue.from_json({"password": self.current}),
            stages=("AWSCURRENT",),
            created_at=datetime.now(UTC),
        )

    def prepare(self) -> None:
        self.prepared += 1

    def log_in(self, value: SecretValue) -> Proof:
        if self.failure is not None:
            raise self.failure
        return Proof.ACCEPTED if value.fields()["password"] in self.accepted else Proof.REFUSED

    def close(self) -> None:
        self.closed += 1

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return self.stop

    def client(self, kind: ClientKind, *, hold: float = 3600.0) -> Iterator[Login]:
        return Client(
            number=0, kind=kind, hold=hold, read=self.read, door=self, wait=self.wait
        ).logins()


def outcomes(logins: Iterator[Login], count: int) -> list[Outcome]:
    return [login.outcome for login in islice(logins, count)]


def test_a_fetching_client_reads_before_each_login() -> None:
    """It uses no value twice, even where it was given a hold."""
    world = World()
    logins = list(islice(world.client(FETCHING), 3))
    assert world.reads == 3
    assert all(login.waited is not None for login in logins)


def test_a_holding_client_reads_once() -> None:
    """It uses what it read until the hold is over."""
    world = World()
    logins = list(islice(world.client(HOLDING), 3))
    assert world.reads == 1
    assert [login.waited is None for login in logins] == [False, True, True]


def test_a_hold_that_is_over_has_it_read_again() -> None:
    """With no hold at all every login reads."""
    world = World()
    list(islice(world.client(HOLDING, hold=0.0), 3))
    assert world.reads == 3


def test_a_refused_holder_heals_by_one_read() -> None:
    """The login after a refusal uses what the secret holds then."""
    world = World()
    logins = world.client(HOLDING)
    next(logins)
    world.current, world.accepted = "two", {"two"}
    assert outcomes(logins, 3) == [Outcome.REFUSED, Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert world.reads == 2


def test_who_is_refused_again_and_again_slows_down() -> None:
    """The first repetition comes at once; the pauses after it grow to a limit, so that nothing locks up."""
    world = World(accepted=set())
    outcomes(world.client(FETCHING), 12)
    assert world.pauses[:4] == [0.0, 0.0, 0.05, 0.1]
    assert world.pauses[-1] == 2.0


def test_who_has_just_failed_tries_once_more_before_it_stops() -> None:
    """Otherwise nobody knew whether reading the secret again would have healed it."""
    world = World()
    logins = world.client(HOLDING)
    next(logins)
    world.current, world.accepted = "two", {"two"}
    assert next(logins).outcome is Outcome.REFUSED
    world.stop = True
    assert [login.outcome for login in logins] == [Outcome.ACCEPTED]


def test_a_secret_that_can_not_be_read_is_a_failed_login() -> None:
    """Who gets no credential gets in nowhere."""
    world = World(broken_store=True)
    login = next(world.client(FETCHING))
    assert (login.outcome, login.message) == (Outcome.NO_VALUE, "the store is gone")


@pytest.mark.parametrize(
    "failure",
    [TargetBusy("no room for one"), RuntimeError("a bug with one in it")],
)
def test_other_failures_are_told_without_the_value(failure: Exception) -> None:
    """The reason is reported, the password that it quotes is not."""
    world = World(current="one", failure=failure)
    login = next(world.client(FETCHING))
    assert login.outcome is Outcome.ERROR
    assert login.message is not None
    assert "***" in login.message
    assert "one" not in login.message.split()


def test_a_rotator_that_can_not_log_in_ends_the_client() -> None:
    """That is no failed login: there is nothing to prove."""
    world = World(failure=NotSupported("can't tell"))
    with pytest.raises(NotSupported):
        next(world.client(FETCHING))
    assert world.closed == 1


def test_the_rotator_is_made_ready_before_the_secret_is_read() -> None:
    """What takes time comes first, so that the login begins as soon as the value is there."""
    order: list[str] = []
    world = World()

    def noting(name: str, act: Callable[[], object]) -> Callable[[], object]:
        def noted() -> object:
            order.append(name)
            return act()

        return noted

    world.prepare = noting("prepare", world.prepare)  # type: ignore[method-assign, assignment]
    world.read = noting("read", world.read)  # type: ignore[method-assign, assignment]
    world.close = noting("close", world.close)  # type: ignore[method-assign, assignment]
    list(islice(world.client(FETCHING), 2))
    assert order == ["prepare", "read", "close"] * 2


def test_a_login_survives_the_pipe() -> None:
    """What a client's process reports is what the proof takes in."""
    login = next(World(failure=TargetBusy("no room")).client(FETCHING))
    assert Login.from_wire(login.to_wire()) == login
