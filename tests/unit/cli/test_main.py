"""The console script: how a command line is taken, and how every error ends."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from rotator import __version__
from rotator.cli import main
from rotator.cli.app import app
from rotator.cli.main import output_format, plain_now, run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ROTATOR_HOME", str(home))
    return home


@pytest.mark.parametrize(
    ("arguments", "secrets"),
    [
        (["now", "a"], ("a",)),
        (["now", "a", "b/c", "a"], ("a", "b/c")),
        (["now", "a", "--output", "json"], ("a",)),
        (["now"], None),
        (["now", "--all"], None),
        (["now", "a", "--tag", "k=v"], None),
        (["now", "--", "a"], None),
        (["--config", "f", "now", "a"], None),
        (["plan", "a"], None),
        ([], None),
    ],
)
def test_a_plain_now_is_told_from_other_commands(
    arguments: list[str], secrets: tuple[str, ...] | None
) -> None:
    """Only `now` with names, and at most the output format, goes the short way."""
    assert plain_now(arguments) == secrets


@pytest.mark.parametrize("arguments", [["now", "nix"], ["now", "nix", "--output", "json"]])
def test_the_short_way_ends_as_typers_does(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`now NAME` prints and exits the same whether Typer parses it or not."""
    assert run(["init"]) == 0
    capsys.readouterr()
    short = (run(arguments), capsys.readouterr())
    monkeypatch.setattr(main, "plain_now", lambda _: None)
    assert (run(arguments), capsys.readouterr()) == short


_ITS_LIMIT = """
import resource, sys
from rotator.cli.main import main

hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
sys.argv = ["rotate", "--version"]
try:
    main()
finally:
    print(resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_crash_leaves_no_image_of_the_memory() -> None:
    """Values and keys are in it, so no core file is written, whatever the limit that a command was started with."""
    ran = subprocess.run(
        [sys.executable, "-c", _ITS_LIMIT], check=True, capture_output=True, text=True
    )
    assert ran.stdout.splitlines() == [f"rotate {__version__}", "(0, 0)"]


def test_errors_are_one_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """An expected error is a message with what to do, on the error stream, without a traceback."""
    assert run(["secret", "list"]) == 8
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: There is no store at")
    assert "rotate init" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["secret", "list", "-o", "json"], 8, "StoreUnavailable"),
        (["nonsense", "--output=json"], 2, "UsageError"),
        (["plan", "--output", "json"], 2, "UsageError"),
        (["now", "--output", "json"], 2, "ConfigurationError"),
    ],
)
def test_errors_are_json_where_json_was_asked_for(
    arguments: list[str], code: int, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --output json an error is JSON on the error stream, wrong usage included."""
    assert run(arguments) == code
    shown = capsys.readouterr()
    told = json.loads(shown.err)["error"]
    assert shown.out == ""
    assert (told["error"], told["exit_code"]) == (error, code)
    assert told["message"]


def test_wrong_usage_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """For people a wrong command line comes with its usage and where the help is."""
    assert run(["plan"]) == 2
    error = capsys.readouterr().err
    assert "Usage: rotate plan" in error
    assert "Missing argument 'SECRET'" in error


def test_an_unforeseen_error_leaves_its_place_and_no_value(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault is one message and a private file with types and places, but no messages or values."""
    assert run(["init"]) == 0

    def faulty(*_: object, **__: object) -> None:
        password = "hunter2"
        raise ValueError(f"invalid literal: {password!r}")

    monkeypatch.setattr("rotator.manager.manager.SecretsManager.list_secrets", faulty)
    assert run(["secret", "list"]) == 1
    shown = capsys.readouterr()
    (file,) = home.glob("error-*.log")
    details = file.read_text()
    assert str(file) in shown.err
    assert "ValueError" in details
    assert "in faulty" in details
    assert "hunter2" not in details + shown.err + shown.out
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_fault_at_one_secret_ends_no_other_verification(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each secret is answered for, whatever is raised at one."""
    assert run(["init"]) == 0
    capsys.readouterr()

    def faulty(_: object, name: str, **__: object) -> None:
        raise RecursionError(name)

    monkeypatch.setattr("rotator.rotation.engine.Engine.verify", faulty)
    assert run(["verify", "one", "two", "--output", "json"]) == 1
    checked = json.loads(capsys.readouterr().out)["secrets"]
    assert [(check["secret"], check["error"]["error"]) for check in checked] == [
        ("one", "RecursionError"),
        ("two", "RecursionError"),
    ]
    assert len(list(home.glob("error-*.log"))) == 1


def test_the_version_and_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """--version and --help answer without any store."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"rotate {__version__}\n"
    assert run(["--help"]) == 0
    assert "Rotates secrets now" in capsys.readouterr().out


def test_every_result_can_be_json() -> None:
    """Every command that prints a result has --output; the daemon logs, and a program takes the place of exec."""
    root = typer.main.get_command(app)
    without = {
        path
        for path, command in leaves(SimpleNamespace(command=root, path=()))
        if "output" not in {parameter.name for parameter in command.params}
    }
    assert without == {("demo",), ("daemon",), ("agent",), ("api",), ("exec",), ("audit", "export")}


def leaves(node: SimpleNamespace) -> list[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    commands = getattr(node.command, "commands", None)
    if commands is None:
        return [(node.path, node.command)]
    return [
        leaf
        for name, command in commands.items()
        for leaf in leaves(SimpleNamespace(command=command, path=(*node.path, name)))
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["x", "--output", "json"], "json"),
        (["x", "--output=json"], "json"),
        (["x", "-o", "json"], "json"),
        (["x", "-ojson"], "json"),
        (["x"], "text"),
        (["x", "--output", "text", "json"], "text"),
    ],
)
def test_the_format_of_an_error_is_the_commands(arguments: list[str], expected: str) -> None:
    """The format is known even where the rest of the command line is wrong."""
    assert output_format(arguments) == expected
