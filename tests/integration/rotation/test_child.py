"""Rotators of other packages, in processes of their own: what they can do to the engine, and what not."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator.errors import ConfigurationError, PreflightRefused
from rotator.model.rotation import Phase, Status
from rotator.rotation.child import ChildRotator
from rotator.rotation.guarded import GuardedRotator
from rotator.rotation.registry import RotatorRegistry
from rotator.rotation.report import Report
from rotator.sdk import (
    Candidate,
    FailureKind,
    OutcomeUnknown,
    Proof,
    Rotation,
    SecretValue,
    StepError,
    clock,
)
from tests.support import plugins
from tests.support.house import House
from tests.support.manager import ME
from tests.support.plugins import FileTarget, is_running
from tests.support.rotations import rotation_of
from tests.support.waiting import eventually

_LARGE = "x" * 60_000  # near the limit of a secret's value; two of them are larger than a pipe


@pytest.fixture
def store_engine() -> str:
    """One of the two: a rotator's process knows neither."""
    return "sqlite"


@pytest.fixture
def registry() -> Iterator[RotatorRegistry]:
    with plugins.installed() as registry:
        yield registry


@pytest.fixture
def plugged(house: House, registry: RotatorRegistry) -> House:
    """A rotator with the tests' plugins installed, and no patience."""
    house.registry = registry
    return house.with_policy(step_limit=20.0)


@pytest.fixture
def target(tmp_path: Path) -> FileTarget:
    return FileTarget(tmp_path)


def outcomes(report: Report, phase: Phase) -> list[str]:
    return [step.outcome for step in report.steps if step.phase is phase]


def assert_over(target: FileTarget) -> None:
    """Every process that worked on the target has ended."""
    assert eventually(lambda: not any(is_running(pid) for pid in target.pids)), target.pids


def test_a_generic_value_rotates(plugged: House, target: FileTarget) -> None:
    """A plugin with nothing outside makes a new value, which becomes AWSCURRENT in one process of its own."""
    name = target.adopt(plugged, "generic")

    report = plugged.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert plugged.fields(name)["password"] != "first password"
    assert set(target.pids) != {os.getpid()}
    assert_over(target)


def test_a_plugin_is_found_by_its_alias(plugged: House, target: FileTarget) -> None:
    """A plugin's alias works as its name does."""
    name = target.adopt(plugged, "GenericAlias")

    assert plugged.rotate(name).status is Status.SUCCEEDED


def test_values_larger_than_a_pipe_pass(plugged: House, target: FileTarget) -> None:
    """Requests and answers of any size pass between engine and rotator."""
    name = target.adopt(plugged, "generic", note=_LARGE)

    for _ in range(2):
        report = plugged.rotate(name)
        assert report.status is Status.SUCCEEDED, report.failure

    assert plugged.fields(name)["note"] == _LARGE


def test_a_rotator_that_hangs_is_killed_at_the_deadline(plugged: House, target: FileTarget) -> None:
    """A change that never answers counts as unknown; the probe finds that it happened, and the rotation succeeds."""
    quick = plugged.with_policy(step_limit=2.0)
    name = target.adopt(quick, "hanging")

    report = quick.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert outcomes(report, Phase.SET) == [FailureKind.UNKNOWN]
    assert quick.fields(name)["password"] == target.password
    assert_over(target)


def test_a_rotator_that_reads_nothing_is_killed_at_the_deadline(registry: RotatorRegistry) -> None:
    """A process that doesn't take its request can't block the engine, however large the request is."""
    value = SecretValue.from_json({"username": "app", "note": _LARGE})
    rotation = Rotation(
        rotation_id="r",
        secret_arn="arn",
        secret_name="name",
        token="t",
        fencing=1,
        attempt=1,
        values=dict.fromkeys(Candidate, value),
        deadline=clock() + 0.5,
    )

    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        ChildRotator(registry.resolve("deaf")).preflight(rotation)


def test_a_plugin_logs_in_by_its_probe(registry: RotatorRegistry, tmp_path: Path) -> None:
    """A plugin that says nothing of logins has its probe asked, in its process."""
    (tmp_path / "target").write_text("secret")
    values = {
        candidate: SecretValue.from_json(
            {"username": "app", "password": password, "folder": str(tmp_path)}
        )
        for candidate, password in ((Candidate.CURRENT, "secret"), (Candidate.PREVIOUS, "older"))
    }
    child = ChildRotator(registry.resolve("printing"))
    assert child.log_in(rotation_of(values, kind=ChildRotator), Candidate.CURRENT) is Proof.ACCEPTED
    assert child.log_in(rotation_of(values, kind=ChildRotator), Candidate.PREVIOUS) is Proof.REFUSED
    child.close()


def test_a_plugin_retires_the_old_value(registry: RotatorRegistry, tmp_path: Path) -> None:
    """The verb reaches the rotator in its process."""
    value = SecretValue.from_json({"username": "app", "folder": str(tmp_path)})
    rotation = Rotation(
        rotation_id="r",
        secret_arn="arn",
        secret_name="name",
        token="t",
        fencing=1,
        attempt=1,
        values=dict.fromkeys(Candidate, value),
        deadline=clock() + 20,
    )
    rotator = ChildRotator(registry.resolve("generic"))
    try:
        rotator.retire_secret(rotation)
    finally:
        rotator.close()
    assert (tmp_path / "retired").exists()


def test_a_plugin_tells_who_uses_the_old_value(registry: RotatorRegistry, tmp_path: Path) -> None:
    """Sessions come back from the rotator's process, without the value that one of them shows, and can be ended."""
    value = SecretValue.from_json({"password": "leaky-1-secret", "folder": str(tmp_path)})
    rotation = Rotation(
        rotation_id="r",
        secret_arn="arn",
        secret_name="name",
        token="t",
        fencing=1,
        attempt=1,
        values=dict.fromkeys(Candidate, value),
        deadline=clock() + 20,
    )
    (tmp_path / "using").write_text("10.0.0.7 leaky-1-secret")
    rotator = GuardedRotator(ChildRotator(registry.resolve("generic")), quotes=True)
    try:
        first, second = rotator.in_use(rotation)
        rotator.end_use(rotation, [first])
    finally:
        rotator.close()
    assert (first.user, first.client) == ("app", "10.0.0.7")
    assert "leaky" not in second.shown
    assert (tmp_path / "using").read_text() == "leaky-1-secret"


def test_a_rotator_that_crashes_is_probed(plugged: House, target: FileTarget) -> None:
    """A process that dies in its change, once before and once after it: what logs in decides, with one value."""
    name = target.adopt(plugged, "crashing")

    report = plugged.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert outcomes(report, Phase.SET) == [FailureKind.UNKNOWN, FailureKind.UNKNOWN]
    assert outcomes(report, Phase.CREATE) == ["ok"]
    assert plugged.fields(name)["password"] == target.password
    assert len(plugged.version_ids(name)) == 2


def test_what_a_rotator_prints_is_no_answer(plugged: House, target: FileTarget) -> None:
    """Printing, writing to descriptor 1 and reading standard input disturb nothing: they lead nowhere."""
    name = target.adopt(plugged, "printing")

    report = plugged.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert plugged.fields(name)["password"] == target.password


def test_secrets_in_an_exception_are_blanked(plugged: House, target: FileTarget) -> None:
    """An exception that quotes the new value ends the rotation as before, and neither report nor history shows it."""
    name = target.adopt(plugged, "telling")

    report = plugged.rotate(name)

    assert report.status is Status.FAILED
    assert target.password == "first password"
    assert report.failure is not None
    assert report.failure.kind is FailureKind.BUG
    assert "KeyError" in report.failure.message
    assert "***" in report.failure.message
    assert '"password"' not in report.failure.message
    assert plugged.labels(name).keys() == {"AWSCURRENT"}
    assert '"password"' not in repr((report, plugged.history(name)))


def test_secrets_in_the_message_of_claims_are_blanked(plugged: House) -> None:
    """`rotation set` of a value that the plugin chokes on says so without the value."""
    value = SecretValue.from_json({"username": "app", "password": "pass'word", "tell": 1})

    with pytest.raises(StepError) as failed:
        plugged.engine().claims("telling", value)

    assert (
        failed.value.message
        == "the rotator telling failed in claims with ValueError: can't use '***'"
    )


def test_secrets_in_a_plan_are_blanked(plugged: House, target: FileTarget) -> None:
    """What a plugin's preflight found and would change is shown without the values that it quotes."""
    name = target.adopt(plugged, "telling")

    plan = plugged.engine().plan(name, **ME)

    (finding,) = plan.findings
    assert (finding.message, finding.remedy) == ("weak: ***", "not ***")
    assert plan.changes == ("*** goes",)


def test_what_a_rotator_leaves_running_is_ended(plugged: House, target: FileTarget) -> None:
    """What the plugin started and forgot ends with the plugin's process, in sessions of their own too."""
    name = target.adopt(plugged, "leaking")

    report = plugged.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert len(target.pids) == 3
    assert_over(target)


def test_answers_of_the_wrong_type_are_the_plugins_bug(plugged: House, target: FileTarget) -> None:
    """A verb that returns nonsense is a bug; nothing was changed and nothing is left behind."""
    name = target.adopt(plugged, "forgetting")

    report = plugged.rotate(name)

    assert report.status is Status.FAILED
    assert report.failure is not None
    assert (report.failure.phase, report.failure.kind) == (Phase.CREATE, FailureKind.BUG)
    assert plugged.labels(name).keys() == {"AWSCURRENT"}


@pytest.mark.parametrize("rotator", ["missing", "stranger", "half", "quitting"])
def test_a_broken_plugin_is_refused_before_anything_is_done(
    plugged: House, target: FileTarget, rotator: str
) -> None:
    """A plugin that can't be loaded is refused in words, and a good one beside it goes on working."""
    name = target.adopt(plugged, rotator)

    with pytest.raises(
        (PreflightRefused, ConfigurationError), match=rf"{rotator} .*can't be loaded"
    ):
        plugged.rotate(name)

    assert plugged.labels(name).keys() == {"AWSCURRENT"}
    assert plugged.rotate(target.adopt(plugged, "generic")).status is Status.SUCCEEDED


def test_a_child_sees_one_rotation_and_neither_keys_nor_store(
    plugged: House, target: FileTarget, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No setting, no descriptor, no argument and no module of the engine leads from the child to keys or store."""
    monkeypatch.setenv("ROTATOR_STORE", "postgresql://rotator:store-password@localhost/rotator")
    monkeypatch.setenv("ROTATOR_HOME", str(keyring.parent))
    monkeypatch.setenv("DATABASE_PASSWORD", "store-password")
    monkeypatch.setenv("ROTATOR_SEALING_KEYS", "one:sealing-key")
    monkeypatch.setenv("UNRELATED", "kept")
    name = target.adopt(plugged, "looking")
    engine = plugged.engine(
        registry=RotatorRegistry.load(withheld=frozenset({"DATABASE_PASSWORD"}))
    )

    assert plugged.rotate(name, engine=engine).status is Status.SUCCEEDED

    seen = target.seen()
    assert not [variable for variable in seen["environment"] if variable.startswith("ROTATOR_")]
    assert seen["environment"]["UNRELATED"] == "kept"
    everything = "\n".join([*seen["environment"].values(), *seen["arguments"], *seen["files"]])
    hidden_ones = ("store-password", "sealing-key", str(keyring), ".db", "first password")
    for hidden in (*hidden_ones, target.password):
        assert hidden not in everything
    rooms = {module.split(".")[1] for module in seen["modules"] if module.startswith("rotator.")}
    assert not rooms & {"store", "crypto", "manager", "cli", "config"}
    assert seen["values"] == ["current", "pending"]
    assert seen["folder"] == "/"


_ENGINE = """
import sys
from rotator.rotation.child import ChildRotator
from rotator.rotation.guarded import GuardedRotator
from rotator.rotation.registry import RotatorRegistry
from rotator.sdk import Candidate, Overlap, Rotation, SecretValue, clock

current, pending = (
    SecretValue.from_json({"username": "app", "password": password, "folder": sys.argv[2]})
    for password in ("first password", "second password")
)
rotation = Rotation(
    rotation_id="r", secret_arn="arn", secret_name="name", token="t", fencing=1, attempt=1,
    values={Candidate.CURRENT: current, Candidate.PENDING: pending}, overlap=Overlap.GAP,
    deadline=clock() + float(sys.argv[4]),
)
rotator = ChildRotator(RotatorRegistry.load().resolve(sys.argv[1]))
rotator.preflight(rotation)
print("ready", flush=True)
if sys.argv[3] == "busy":
    rotator.set_secret(rotation)
sys.stdin.read()
"""


@pytest.mark.parametrize("doing", ["busy", "idle"])
@pytest.mark.usefixtures("registry")
def test_a_child_dies_with_the_engine(target: FileTarget, doing: str) -> None:
    """When the engine's process is killed, the rotator's ends too, in the middle of a step as between two."""
    (target.folder / "target").write_text("first password")
    command = [sys.executable, "-c", _ENGINE, "hanging", str(target.folder), doing, "500"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"ready\n"
        if doing == "busy":
            assert eventually(lambda: target.password == "second password")
        (child,) = target.pids
        assert is_running(child)
        engine.send_signal(signal.SIGKILL)

    assert eventually(lambda: not is_running(child))


@pytest.mark.usefixtures("registry")
def test_a_child_keeps_the_deadline_of_a_frozen_engine(target: FileTarget) -> None:
    """A step ends at its deadline although the engine is frozen and can't kill it: a successor counts on that."""
    (target.folder / "target").write_text("first password")
    command = [sys.executable, "-c", _ENGINE, "hanging", str(target.folder), "busy", "8"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        try:
            assert eventually(lambda: target.password == "second password")
            engine.send_signal(signal.SIGSTOP)
            (child,) = target.pids
            assert is_running(child)
            assert eventually(lambda: not is_running(child))
        finally:
            engine.send_signal(signal.SIGKILL)


_GUARDED = """
import os, subprocess, sys, time
from rotator.rotation.child_guard import Guard
from rotator.sdk import clock

guard = Guard(os.dup(0), farewell=500)
with guard.verb(clock() + 500):
    print(subprocess.Popen(["sleep", "500"], stdout=subprocess.DEVNULL).pid, flush=True)
    time.sleep(500)
"""


def test_a_verb_ends_at_once_when_the_requests_end() -> None:
    """In the middle of a verb nobody is given time to say farewell, neither the process nor what it started."""
    command = [sys.executable, "-c", _GUARDED]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        started = int(child.stdout.readline())
        child.stdin.close()
        assert child.wait(timeout=60) == -signal.SIGKILL
        assert eventually(lambda: not is_running(started))


_LATE = """
import os
from rotator.rotation.child_guard import Guard
from rotator.sdk import clock

with Guard(os.dup(0)).verb(clock()):
    print("worked", flush=True)
"""


def test_a_request_that_is_read_too_late_is_not_begun() -> None:
    """A process that was frozen until its deadline had passed does nothing more."""
    done = subprocess.run(
        [sys.executable, "-c", _LATE],
        input=b"",
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
