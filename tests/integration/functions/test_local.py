"""Functions that are files on this machine: what they find, how they end, and who may have written them."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from rotator.sdk import (
    Candidate,
    Misconfigured,
    OutcomeUnknown,
    Rotation,
    SecretValue,
    StepError,
    clock,
)
from rotator.sdk.functions import FunctionAccess
from rotator.sdk.log import LogLine
from rotators.functions import LocalFunction
from rotators.functions.rotator import Step
from tests.support.manager import ACCOUNT, REGION

ACCESS = FunctionAccess(
    endpoint="http://127.0.0.1:9",
    trust=None,
    region=REGION,
    access_key_id="ASIAEXAMPLE",
    secret_access_key="a-secret-key",
    session_token="a-session-token",
)


class _Host:
    def access(self, rotation: Rotation) -> FunctionAccess:
        del rotation
        return ACCESS

    def stored(self, rotation: Rotation) -> SecretValue | None:
        raise AssertionError(rotation)


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a function's file; `OUT` in it is the path of a file that it may write."""

    def written(source: str) -> Path:
        file = tmp_path / "function.py"
        out = f"OUT = {str(tmp_path / 'out')!r}\n"
        file.write_text(out + dedent(source))
        return file

    return written


def _invoke(
    file: Path,
    *,
    seconds: float = 20.0,
    told: list[LogLine] | None = None,
    environment: tuple[str, ...] = (),
    interpreter: str | None = None,
    step: Step = Step.SET,
    value: str | None = None,
) -> None:
    known = {} if value is None else {Candidate.CURRENT: SecretValue(string=value)}
    rotation = Rotation(
        rotation_id="0" * 32,
        secret_arn=f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf",
        secret_name="db",
        token="4f2c6a9e-0000-4000-8000-000000000001",
        fencing=7,
        attempt=1,
        values=known,
        deadline=clock() + seconds,
        sink=(told if told is not None else []).append,
    )
    LocalFunction(
        name="mine",
        host=_Host(),
        file=str(file),
        interpreter=interpreter,
        environment=environment,
        timeout=60.0,
    ).invoke(step, rotation)


def test_it_finds_what_lambda_gives(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event, context, endpoint, credentials and a module beside it are there, and nothing of rotator's own."""
    monkeypatch.setenv("ROTATOR_SEALING_KEYS", "not for functions")
    monkeypatch.setenv("DB_CA_FILE", "/ca.pem")
    monkeypatch.setenv("OTHER", "not named")
    (tmp_path / "rotator.py").write_text("MINE = True\n")  # as a module of the house is called
    file = write(
        """
        import json, os, sys
        import rotator
        def lambda_handler(event, context):
            assert rotator.MINE
            with open(OUT, "w") as out:
                json.dump([event, dict(os.environ), sys.argv, context.get_remaining_time_in_millis(),
                           context.function_name, context.invoked_function_arn, context.aws_request_id], out)
        """
    )
    _invoke(file, environment=("DB_CA_FILE",))
    event, environment, argv, left, name, arn, request = json.loads((tmp_path / "out").read_text())
    assert event["Step"] == "setSecret"
    assert event["ClientRequestToken"] == "4f2c6a9e-0000-4000-8000-000000000001"
    assert argv == [str(file)]
    assert 0 < left <= 20_000
    assert (name, arn) == ("mine", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mine")
    assert request
    assert environment["SECRETS_MANAGER_ENDPOINT"] == ACCESS.endpoint
    assert environment["AWS_SESSION_TOKEN"] == ACCESS.session_token
    assert environment["AWS_DEFAULT_REGION"] == REGION
    assert environment["DB_CA_FILE"] == "/ca.pem"
    assert not environment.keys() & {"ROTATOR_SEALING_KEYS", "OTHER"}


def test_its_own_interpreter_runs_it(write: Write, tmp_path: Path) -> None:
    """The Python that is given for it is the one that runs it."""
    python = tmp_path / "python"
    python.symlink_to(Path(sys.executable).resolve())
    file = write(
        """
        import sys
        def lambda_handler(event, context):
            open(OUT, "w").write(sys.executable)
        """
    )
    _invoke(file, interpreter=str(python))
    assert (tmp_path / "out").read_text() == str(python)


def test_it_is_killed_at_the_deadline(write: Write, tmp_path: Path) -> None:
    """What doesn't end is ended with all that it started, and nobody knows what it has done."""
    file = write(
        """
        import os, signal, subprocess
        def lambda_handler(event, context):
            child = subprocess.Popen(["sleep", "1000"])
            open(OUT + ".new", "w").write(str(child.pid))
            os.rename(OUT + ".new", OUT)
            signal.pause()
        """
    )
    seconds = 1.0
    while not (tmp_path / "out").exists():  # on a busy machine it takes a while to get there
        seconds *= 2
        with pytest.raises(OutcomeUnknown, match="did not end in time"):
            _invoke(file, seconds=seconds)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "out").read_text()), 0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "raise ValueError('no such user')",
            "mine failed in setSecret with ValueError at .*:3: no such user",
        ),
        (
            "import sys; sys.exit('enough')",
            "mine failed in setSecret with SystemExit at .*:3: enough",
        ),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "died of signal 9"),
    ],
)
def test_a_failure_is_told_as_it_was(write: Write, body: str, told: str) -> None:
    """An exception is told with its class and text, an end without an answer with how it ended; both may have changed
    the target.
    """
    file = write(f"def lambda_handler(event, context):\n    {body}\n")
    with pytest.raises(OutcomeUnknown, match=told):
        _invoke(file)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named"),
        ("handler = None", "AttributeError: .* has no attribute 'lambda_handler'"),
        ("def lambda_handler(event, context)", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_function_is_misconfigured(write: Write, source: str, told: str) -> None:
    """Where it can't be loaded the handler was not called: the reason is told, and nothing has changed."""
    with pytest.raises(Misconfigured, match=f"mine was not invoked.*{told}"):
        _invoke(write(source))


@pytest.mark.parametrize(
    ("interpreter", "meaning", "told"),
    [
        ("/nowhere/python", Misconfigured, "there is no interpreter /nowhere/python"),
        ("/bin/false", OutcomeUnknown, "ended with exit code 1"),
    ],
)
def test_an_interpreter_that_is_none_is_told(
    write: Write, interpreter: str, meaning: type[StepError], told: str
) -> None:
    """A program that is missing, or no Python, is named, with what to do about it."""
    with pytest.raises(meaning, match=told) as failure:
        _invoke(write("def lambda_handler(event, context): ...\n"), interpreter=interpreter)
    assert interpreter in (failure.value.hint or "") or "--interpreter" in (
        failure.value.hint or ""
    )


def test_while_it_makes_a_value_place_and_codes_are_told(write: Write, tmp_path: Path) -> None:
    """Of an exception in createSecret class, line and a service's error code help, and its text is left out."""
    file = write(
        """
        class Refusal(Exception):
            response = {"Error": {"Code": "AccessDeniedException", "Message": "the-new-value"}}
            operation_name = "ListSecrets"
        def lambda_handler(event, context):
            raise Refusal("the-new-value")
        """
    )
    with pytest.raises(OutcomeUnknown) as failure:
        _invoke(file, step=Step.CREATE)
    assert failure.value.message == (
        "mine failed in createSecret with Refusal (AccessDeniedException, ListSecrets) "
        f"at {tmp_path / 'function.py'}:7"
    )
    assert "the-new-value" not in f"{failure.value.hint}"


def test_what_it_tells_of_secrets_is_blanked(write: Write) -> None:
    """Neither values nor the credentials that it signs with come out, printed or raised, wherever a text is cut."""
    told: list[LogLine] = []
    file = write(
        """
        import os
        def lambda_handler(event, context):
            secrets = os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"], "the-old-password"
            print("x" * 40)
            for number in range(400):
                print(number, *secrets)
            raise ValueError("y" * 985 + " " + " ".join(secrets))
        """
    )
    with pytest.raises(OutcomeUnknown) as failure:
        _invoke(file, told=told, value="the-old-password")
    said = "\n".join([failure.value.message, *(line.message for line in told)])
    assert len(told) > 100
    for secret in (ACCESS.secret_access_key, ACCESS.session_token, "the-old-password"):
        assert secret[-6:] not in said
        assert secret[:6] not in said.replace("***", "")


def test_what_it_prints_is_logged(write: Write) -> None:
    """Both of its streams go to the log, and neither is taken for an answer."""
    told: list[LogLine] = []
    file = write(
        """
        import sys
        def lambda_handler(event, context):
            print('{"done": false}')
            sys.stderr.write("careful\\n")
            return {"anything": object}
        """
    )
    _invoke(file, told=told)
    assert [line.message for line in told] == ['{"done": false}', "careful"]
    assert {line.level for line in told} == {"debug"}


def test_one_that_others_may_change_is_not_run(write: Write) -> None:
    """Whoever may write the file would run what they like as the user who rotates."""
    file = write("def lambda_handler(event, context): ...\n")
    file.chmod(0o666)
    with pytest.raises(Misconfigured, match="may be changed by other users"):
        _invoke(file)
    file.unlink()
    with pytest.raises(Misconfigured, match="there is no file"):
        _invoke(file)
