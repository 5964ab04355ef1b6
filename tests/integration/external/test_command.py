"""Programs as rotators: what they are given, what their answers mean, and that none outlives its time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rotator.errors import PreflightRefused
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Phase, Status
from rotator.sdk import (
    Authority,
    Candidate,
    FailureKind,
    LoginRefused,
    Misconfigured,
    NotSupported,
    OutcomeUnknown,
    Overlap,
    Rotation,
    SecretValue,
    StepError,
)
from rotators.external import Command
from rotators.external.command import EXIT_CODES
from rotators.external.protocol import ExternalBug
from tests.support.house import House
from tests.support.manager import ME
from tests.support.plugins import FileTarget, is_running
from tests.support.programs import program, registry_with
from tests.support.rotations import rotation_of
from tests.support.waiting import eventually


@pytest.fixture
def store_engine() -> str:
    """One of the two: a program knows neither."""
    return "sqlite"


@pytest.fixture
def target(tmp_path: Path) -> FileTarget:
    (tmp_path / "target").write_text("first password")
    return FileTarget(tmp_path)


@pytest.fixture
def housed(house: House, tmp_path: Path) -> House:
    """A rotator whose configuration declares the program as `files`, with little time for it as `hasty`."""
    argv = (str(program(tmp_path)), "--quietly")
    house.registry = registry_with(files={"argv": argv}, hasty={"argv": argv, "timeout": 1.5})
    return house


def adopt(house: House, target: FileTarget, rotator: str = "files", **settings: str) -> str:
    name = target.adopt(house, rotator)
    house.manager.set_rotation(
        **ME,
        secret_id=name,
        rotator=rotator,
        authority=Authority(users=("app",)),
        options=RotationOptions(settings=settings),
    )
    return name


def command(path: Path, *more: str, timeout: float = 30.0, environment: Any = ()) -> Command:
    return Command(name="files", argv=(str(path), *more), timeout=timeout, environment=environment)


def step(target: FileTarget, **fields: Any) -> Rotation:
    settings = {name: fields.pop(name) for name in list(fields) if name in _SETTINGS}
    values = {
        candidate: SecretValue.from_json(
            {"username": "app", "password": password, "folder": str(target.folder)}
        )
        for candidate, password in (
            (Candidate.CURRENT, "first password"),
            (Candidate.PENDING, "second password"),
        )
    }
    return rotation_of(values, kind=Command, settings=settings, **fields)


_SETTINGS = {"do", "in", "code", "errors", "out"}


def asked(target: FileTarget) -> list[str]:
    return (target.folder / "asked").read_text().splitlines()


def assert_over(target: FileTarget) -> None:
    assert eventually(lambda: not any(is_running(pid) for pid in target.pids)), target.pids


def test_a_program_rotates(housed: House, target: FileTarget) -> None:
    """Four verbs are enough: the rest is the SDK's default, and the file has what AWSCURRENT says."""
    name = adopt(housed, target)

    report = housed.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert housed.fields(name)["password"] == target.password != "first password"
    verbs = [verb for verb in asked(target) if verb != "finish_secret"]
    assert verbs == [
        "preflight",
        "create_secret",
        "set_secret",
        "test_secret",
        "probe",
        "probe",
    ]
    plan = housed.engine().plan(name, **ME)
    assert plan.changes == ("the file that is named target",)


def test_a_program_that_dies_in_its_change_is_probed(housed: House, target: FileTarget) -> None:
    """Where it died after the change, the probe finds that it happened, and the rotation goes on with the value."""
    name = adopt(housed, target, do="die")

    report = housed.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert FailureKind.BUG in {step.outcome for step in report.steps if step.phase is Phase.SET}
    assert housed.fields(name)["password"] == target.password


def test_a_definite_no_leaves_the_target(housed: House, target: FileTarget) -> None:
    """What the program refuses ends the rotation as before, with its words, in which no password stands."""
    name = adopt(housed, target, do="exit", code="10", errors="no: PASSWORD is in use")

    report = housed.rotate(name)

    assert report.status is Status.FAILED
    assert report.failure is not None
    assert report.failure.kind is FailureKind.REFUSED
    assert report.failure.message == "no: *** is in use"
    assert target.password == "first password"
    assert "first password" not in repr((report, housed.history(name)))


def test_preflight_may_say_no(housed: House, target: FileTarget) -> None:
    """Findings of the program's preflight stop a rotation before anything is changed."""
    refusal = {"level": "refusal", "message": "locked: first password", "remedy": "unlock it"}
    found = json.dumps({"overlap": "dual", "findings": [refusal]})
    name = adopt(housed, target, **{"do": "exit", "code": "0", "in": "preflight", "out": found})

    with pytest.raises(PreflightRefused, match=r"locked: \*\*\*\. What to do: unlock it"):
        housed.rotate(name)
    (finding,) = housed.engine().plan(name, **ME).findings
    assert finding.message == "locked: ***"


@pytest.mark.parametrize(("code", "error"), EXIT_CODES.items())
def test_exit_codes_stand_for_the_sdks_errors(
    target: FileTarget, tmp_path: Path, code: int, error: str
) -> None:
    """Each documented code is raised as its class, with message and hint from standard output."""
    told = json.dumps({"message": "told\nso", "hint": "do this"})
    rotator = command(program(tmp_path))
    with pytest.raises(StepError) as raised:
        rotator.revert_secret(
            step(target, **{"do": "exit", "code": str(code), "out": told, "in": "revert_secret"})
        )
    assert type(raised.value).__name__ == error
    assert (raised.value.message, raised.value.hint) == ("told so", "do this")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"do": "exit", "code": "1", "errors": "Traceback …"}, ExternalBug, "exit code 1 .*Trace"),
        ({"do": "exit", "code": "126"}, ExternalBug, "exit code 126"),
        ({"do": "die"}, ExternalBug, "died of signal 6"),
        ({"do": "print", "out": "done!"}, ExternalBug, "no JSON object"),
        ({"do": "print", "out": '["done"]'}, ExternalBug, "no JSON object"),
        ({"do": "flood"}, ExternalBug, "more than 1048576 bytes"),
        ({"do": "print", "out": '{"error": "LoginRefused"}'}, LoginRefused, "no reason was given"),
        ({"do": "print", "out": '{"error": "Whatever"}'}, OutcomeUnknown, "no reason"),
        ({"do": "exit", "code": "17"}, Misconfigured, "does not know set_secret"),
    ],
)
def test_whatever_else_a_program_does_is_a_bug_of_its_own(
    target: FileTarget,
    tmp_path: Path,
    settings: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    """Other codes, signals and nonsense count as an unknown outcome; nothing of an answer is quoted."""
    with pytest.raises(error, match=message):
        command(program(tmp_path)).set_secret(step(target, **settings))
    assert_over(target)


def test_a_new_value_is_not_told_by_the_errors_of_who_made_it(
    target: FileTarget, tmp_path: Path
) -> None:
    """Where create_secret fails, nobody knows yet what would have to be blanked: standard error stays unsaid."""
    settings = {"do": "exit", "code": "1", "in": "create_secret", "errors": "made hunter2"}
    with pytest.raises(ExternalBug) as raised:
        command(program(tmp_path)).create_secret(step(target, **settings))
    assert "hunter2" not in str(raised.value)


def test_a_program_whose_target_makes_the_value_has_to_know_create_secret(
    target: FileTarget, tmp_path: Path
) -> None:
    """No random value takes the place of the one that the target would issue; the list of rotators says which is so."""
    argv = (str(program(tmp_path)),)
    issuing = Command(name="files", argv=argv, timeout=30.0, environment=(), issues_value=True)
    with pytest.raises(Misconfigured, match="does not know create_secret"):
        issuing.create_secret(step(target))
    registry = registry_with(issuing={"argv": argv, "issues_value": True}, files={"argv": argv})
    told = [registry.resolve(name).facts.issues_value for name in ("issuing", "files")]
    assert told == [True, False]


def test_a_program_that_hangs_is_killed_with_what_it_started(
    housed: House, target: FileTarget
) -> None:
    """A change that never answers counts as unknown; the probe finds that it happened, and the rotation succeeds."""
    name = adopt(housed, target, "hasty", do="hang")

    report = housed.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert FailureKind.UNKNOWN in {step.outcome for step in report.steps}
    assert len(target.pids) > len(asked(target))
    assert_over(target)


def test_what_a_program_leaves_running_is_ended(target: FileTarget, tmp_path: Path) -> None:
    """Processes left in the background, in sessions of their own too, are not waited for but killed."""
    command(program(tmp_path)).set_secret(step(target, do="leave"))
    assert len(target.pids) == 3
    assert_over(target)


_ENGINE = """
import json, sys
from rotator.sdk import Candidate, Rotation, SecretValue, clock
from rotators.external import Command

wire = json.loads(sys.argv[2])
rotation = Rotation.from_wire(wire | {"deadline": clock() + float(sys.argv[3])}, settings_model=Command.settings_model)
Command(name="files", argv=(sys.argv[1],), timeout=600.0, environment=()).set_secret(rotation)
"""


@pytest.mark.parametrize(("how", "seconds"), [(signal.SIGKILL, 500.0), (signal.SIGSTOP, 4.0)])
def test_a_program_ends_with_the_engine_and_at_its_deadline(
    target: FileTarget, tmp_path: Path, how: signal.Signals, seconds: float
) -> None:
    """An engine that is killed takes its programs along; one that is frozen can't make them outlive the deadline."""
    wire = json.dumps(step(target, do="hang").to_wire())
    arguments = [sys.executable, "-c", _ENGINE, str(program(tmp_path)), wire, str(seconds)]
    with subprocess.Popen(arguments) as engine:
        try:
            assert eventually(lambda: (tmp_path / "pids").exists() and len(target.pids) == 3)
            assert all(is_running(pid) for pid in target.pids)
            engine.send_signal(how)
            assert_over(target)
        finally:
            engine.send_signal(signal.SIGKILL)


def test_a_program_sees_its_request_and_nothing_of_the_engine(
    target: FileTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values come on standard input only; the environment has what every program needs, and what is declared."""
    for name in ("ROTATOR_SEALING_KEYS", "DATABASE_PASSWORD", "KUBECONFIG"):
        monkeypatch.setenv(name, f"the {name}")
    rotator = command(program(tmp_path), "--loudly", environment=("KUBECONFIG", "NOT_SET"))

    rotator.set_secret(step(target, do="look", overlap=Overlap.GAP))

    seen = target.seen()
    environment = seen["environment"]
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["KUBECONFIG"] == "the KUBECONFIG"
    assert not environment.keys() & {"ROTATOR_SEALING_KEYS", "DATABASE_PASSWORD", "NOT_SET"}
    assert seen["arguments"][1:] == ["--loudly", "set_secret"]
    request = seen["request"]
    assert request["verb"] == "set_secret"
    assert request["secret"]["name"] == "app"
    assert request["overlap"] == "gap"
    assert request["settings"] == {"do": "look"}
    assert json.loads(request["values"]["pending"]["string"])["password"] == "second password"
    assert 0 < request["seconds"] <= 20


def test_a_program_need_not_read_its_request(target: FileTarget, tmp_path: Path) -> None:
    """A program that ignores a request larger than a pipe has done its work all the same."""
    rotation = step(target, admin=SecretValue(string="x" * 300_000))
    command(program(tmp_path, "pass")).set_secret(rotation)


def test_a_large_request_arrives(target: FileTarget, tmp_path: Path) -> None:
    """A request larger than a pipe passes whole."""
    command(program(tmp_path)).set_secret(step(target, admin=SecretValue(string="x" * 300_000)))
    assert target.password == "second password"


def test_a_program_that_others_may_change_is_not_run(target: FileTarget, tmp_path: Path) -> None:
    """Whoever could change a program, the script that it runs, or their folder would be given the secret: refused."""
    folder = tmp_path / "programs"
    folder.mkdir(mode=0o755)
    script = program(folder)
    for changed, mode, mended in (
        (script, 0o777, 0o755),
        (script, 0o1777, 0o755),
        (script, 0o775, 0o755),
        (folder, 0o777, 0o755),
    ):
        changed.chmod(mode)
        for argv in ([str(script)], [sys.executable, str(script)]):
            rotator = Command(name="files", argv=argv, timeout=30.0, environment=())
            with pytest.raises(Misconfigured, match="by other users") as refused:
                rotator.set_secret(step(target))
            assert refused.value.hint == f"chmod go-w {changed}"
        changed.chmod(mended)
    assert target.password == "first password"
    folder.chmod(0o1777)  # there only its owner replaces a file
    command(script).set_secret(step(target))
    assert target.password == "second password"


def test_a_link_to_a_program_is_as_safe_as_the_way_it_goes(
    target: FileTarget, tmp_path: Path
) -> None:
    """A link in a folder that others may change is refused, though the program itself is safe."""
    script = program(tmp_path)
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "program"
    link.symlink_to(script)
    folder.chmod(0o777)
    with pytest.raises(Misconfigured, match="may be replaced by other users"):
        command(link).set_secret(step(target))
    folder.chmod(0o755)
    command(link).set_secret(step(target))
    assert target.password == "second password"


def test_a_program_that_can_not_be_started_changed_nothing(
    target: FileTarget, tmp_path: Path
) -> None:
    """A missing file, one that is not executable and one that is no program are told apart from a failed change."""
    with pytest.raises(Misconfigured, match="there is no program"):
        command(tmp_path / "missing").set_secret(step(target))
    script = program(tmp_path)
    script.chmod(0o644)
    with pytest.raises(Misconfigured, match="not started: Permission denied"):
        command(script).set_secret(step(target))
    script.write_text("no program")
    script.chmod(0o755)
    with pytest.raises(Misconfigured, match="not started: Exec format error"):
        command(script).set_secret(step(target))


def test_a_program_that_keeps_two_credentials_has_to_retire_the_old_one(
    target: FileTarget, tmp_path: Path
) -> None:
    """For `dual` an unknown retire_secret is a failure; for `gap` the old value is dead already."""
    rotator = command(program(tmp_path))
    with pytest.raises(NotSupported):
        rotator.retire_secret(step(target, overlap=Overlap.DUAL))
    rotator.retire_secret(step(target, overlap=Overlap.GAP))


def test_what_the_secrets_json_names_is_pinned() -> None:
    """Server, user and admin secret are claimed as AWS's JSON has them, so that a value can't point elsewhere later."""
    rotator = command(Path("/bin/true"))
    fields = {"host": "db", "port": 5432, "username": "app", "masterarn": "arn", "password": "x"}
    assert rotator.claims(SecretValue.from_json(fields)) == Authority(
        host="db", port=5432, admin="arn", users=("app",)
    )
    for value in (SecretValue(string="bare"), SecretValue(binary=b"\0")):
        assert rotator.claims(value) == Authority()


@pytest.mark.parametrize(
    ("name", "odd"), [("port", 0), ("host", ["db"]), ("username", 7), ("masterarn", "")]
)
def test_what_the_secrets_json_names_oddly_is_refused(name: str, odd: object) -> None:
    """A port in quotes counts too, and what can't be compared with what was pinned is never sent to the program."""
    rotator = command(Path("/bin/true"))
    assert rotator.claims(SecretValue.from_json({"port": "5432"})) == Authority(port=5432)
    with pytest.raises(Misconfigured, match=f'the secret\'s "{name}"'):
        rotator.claims(SecretValue.from_json({name: odd}))
