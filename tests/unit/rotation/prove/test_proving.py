"""The course of a proof: what it waits for, and what ends it early. Engine and clients do as they are told."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any, cast

import pytest

from rotator.errors import PreflightRefused, RotationInProgress
from rotator.model.caller import Caller, CallerKind
from rotator.model.rotation import Failure, Phase, Status
from rotator.rotation.engine import Engine
from rotator.rotation.prove.logins import Outcome
from rotator.rotation.prove.promise import Promise
from rotator.rotation.prove.proving import Proof, Proving, Terms
from rotator.rotation.prove.serving import Order
from rotator.rotation.report import Report, ignore
from rotator.rotation.verdicts import Plan
from rotator.sdk import FailureKind, Finding, Level, Overlap
from tests.unit.rotation.prove.made import FETCHING, HOLDING, login

_CALLER = Caller(kind=CallerKind.LOCAL, name="me", account="0", region="r")
_PLAN = Plan(
    secret_arn="arn",
    secret_name="db/app",
    rotator="r",
    token=None,
    resumes=False,
    overlap=Overlap.DUAL,
    findings=(),
    changes=(),
    steps=(),
    refused=False,
)
_REPORT = Report(
    secret_arn="arn",
    secret_name="db/app",
    rotation_id="id",
    token="v2",
    status=Status.SUCCEEDED,
    attempts=1,
    overlap=Overlap.DUAL,
    failure=None,
    steps=(),
    labels_before={},
    labels_after={},
    resumed=False,
)
GRACE = replace(_REPORT, status=Status.GRACE, retire_at=datetime.fromtimestamp(0, UTC))
FAILURE = Failure(phase=Phase.RETIRE, kind=FailureKind.REFUSED, message="it won't")


@dataclass
class Told:
    """An engine whose answers are given; an exception among them is raised."""

    rotations: list[Report]
    retirements: list[Report | Exception | None] = field(default_factory=list)
    second_plan: Plan = _PLAN

    def plan(self, *_: Any, **__: Any) -> Plan:
        return self.second_plan

    def rotate(self, *_: Any, **__: Any) -> Report:
        return self.rotations.pop(0)

    def retire(self, *_: Any, **__: Any) -> Report | None:
        answer = self.retirements.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def clients(outcome: Outcome = Outcome.ACCEPTED) -> list[str]:
    """Clients that report one login after the other, all with the new value."""
    report = json.dumps({"login": login(outcome, version="v2").to_wire()})
    script = f"""
    import json, sys, threading
    order, report = json.loads(sys.stdin.readline()), json.loads({report!r})
    report["login"] |= {{"client": order["number"], "kind": order["kind"]}}
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.wait(0.002):
        print(json.dumps(report), flush=True)
    """
    return [sys.executable, "-S", "-c", dedent(script)]


def proving(engine: Told, *, repeat: int = 1, command: list[str] | None = None) -> Proving:
    terms = Terms(
        plan=_PLAN,
        promise=Promise(overlap=Overlap.DUAL, drain=0.25, grace=1.0),
        hold=0.0,
        kinds=(FETCHING, HOLDING),
        repeat=repeat,
    )
    return Proving(
        terms,
        engine=cast("Engine", engine),
        caller=_CALLER,
        request_id="request",
        command=command or clients(),
    )


def run(
    engine: Told,
    *,
    repeat: int = 1,
    command: list[str] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Proof:
    orders = [
        Order(number=number, kind=kind, secret="arn", hold=0.0, settings=None)
        for number, kind in enumerate((FETCHING, HOLDING))
    ]
    return proving(engine, repeat=repeat, command=command).run(orders, observer=ignore, told=told)


def test_each_rotation_has_its_retirement() -> None:
    """The next rotation comes after the retirement of the last, and the last has one too."""
    lines: list[str] = []
    proof = run(Told([GRACE, GRACE], [_REPORT, _REPORT]), repeat=2, told=lines.append)
    assert (proof.rotations, proof.retired, proof.kept) == (2, 2, True)
    assert [line.partition(":")[0] for line in lines] == [
        "2 clients log in",
        "rotation 1 of 2",
        "rotation 2 of 2",
    ]


def test_a_retirement_that_waits_for_users_is_waited_for() -> None:
    """Where the secret's settings have it wait, the proof comes back at the time that it was given."""
    assert run(Told([GRACE], [GRACE, GRACE, _REPORT])).retired == 1


def test_a_daemon_may_be_quicker() -> None:
    """A retirement that another process is at, or whose time has not come by the store's clock, is asked for again."""
    engine = Told([GRACE], [RotationInProgress("a daemon is at it"), None, _REPORT])
    assert run(engine).retired == 1
    assert engine.retirements == []


@pytest.mark.parametrize("overlap", [Overlap.GAP, Overlap.ALTERNATING])
def test_another_overlap_than_planned_ends_it(overlap: Overlap) -> None:
    """What was promised is not what was rotated, so nothing was proved."""
    proof = run(Told([replace(_REPORT, overlap=overlap)]), repeat=5)
    assert not proof.kept
    assert proof.ended_early is not None
    assert f"the overlap was {overlap}" in proof.ended_early


def test_a_rotation_that_fails_ends_it() -> None:
    """Its reason is told, and no further one begins."""
    proof = run(Told([_REPORT, replace(_REPORT, status=Status.FAILED, failure=FAILURE)]), repeat=5)
    assert (proof.rotations, proof.kept) == (1, False)
    assert proof.ended_early == "a rotation failed: retire: it won't"


def test_an_old_credential_that_is_not_retired_ends_it() -> None:
    """The rotation succeeded, what was promised of its end did not come about."""
    unretired = replace(_REPORT, status=Status.UNRETIRED, failure=FAILURE)
    proof = run(Told([GRACE], [unretired]), repeat=5)
    assert (proof.rotations, proof.retired, proof.kept) == (1, 0, False)
    assert proof.ended_early == "the old credential was not retired: retire: it won't"


def test_nothing_is_changed_while_clients_fail() -> None:
    """Clients that can't get in before the first rotation have nothing to prove it with."""
    engine = Told([_REPORT])
    with pytest.raises(PreflightRefused, match=r"can't all log in as things are.*refused"):
        run(engine, command=clients(Outcome.REFUSED))
    assert engine.rotations == [_REPORT]


def test_nothing_is_changed_where_the_rotation_has_no_room_among_them() -> None:
    """Preflight is asked once more while the clients log in."""
    no = Finding(level=Level.REFUSAL, message="no free connection slot")
    engine = Told([_REPORT], second_plan=replace(_PLAN, refused=True, findings=(no,)))
    with pytest.raises(PreflightRefused, match="no free connection slot"):
        run(engine)
    assert engine.rotations == [_REPORT]
