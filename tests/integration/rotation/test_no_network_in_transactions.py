"""No network call happens, and nothing is waited for, inside a store transaction (DESIGN, invariant 14)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pytest

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.rotation.guarded import GuardedRotator
from rotator.store import database
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer


@dataclass
class Watch:
    """Which verbs and waits came, and which of them while their thread had a transaction open."""

    inside: threading.local = field(default_factory=threading.local)
    seen: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def depth(self) -> int:
        return getattr(self.inside, "depth", 0)

    def move(self, by: int) -> None:
        self.inside.depth = self.depth() + by

    def note(self, what: str) -> None:
        self.seen.append(what)
        if self.depth():
            self.held.append(what)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watches every transaction, and all that reaches a rotator, which alone reaches a network."""
    watching = Watch()

    def counted(by: int, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def moved(*arguments: Any) -> Any:
            watching.move(by)
            return call(*arguments)

        return moved

    def noted(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def noting(self: GuardedRotator, verb: str, *arguments: Any) -> Any:
            watching.note(verb)
            return call(self, verb, *arguments)

        return noting

    monkeypatch.setattr(GuardedRotator, "_call", noted(GuardedRotator._call))
    transaction = database._Transaction
    monkeypatch.setattr(transaction, "__enter__", counted(+1, transaction.__enter__))
    monkeypatch.setattr(transaction, "__exit__", counted(-1, transaction.__exit__))
    return watching


@pytest.mark.parametrize("rotator", [SINGLE, ALTERNATING])
def test_a_rotation_asks_and_waits_outside_of_transactions(
    house: House, pg16: DatabaseServer, watch: Watch, rotator: str
) -> None:
    """From the claim to the retirement each verb, and the wait for clients, comes while no transaction is open."""
    drained = house.with_policy(drain=0.01)
    options = RotationOptions(grace=0.0)
    name = drained.adopt(
        pg16, pg16.new_role(), rotator=rotator, admin=pg16.superuser, options=options
    )
    engine = drained.engine(sleep=lambda _: watch.note("sleep"))

    report = drained.rotate(name, engine=engine)
    verified = engine.verify(name, **ME)
    plan = engine.plan(name, **ME)

    assert (report.status, verified.drift, plan.refused) == (Status.SUCCEEDED, False, False)
    expected = {"sleep"} if rotator == SINGLE else {"retire_secret"}
    assert {"preflight", "create_secret", "set_secret", "test_secret", "probe"} | expected <= set(
        watch.seen
    )
    assert watch.held == []


def test_a_watched_transaction_counts(house: House, watch: Watch) -> None:
    """The watch sees what it is to see."""
    with house.store.read():
        watch.note("inside")
    watch.note("outside")
    assert watch.held == ["inside"]
