"""`rotate exec`: a real program that gets a secret."""

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.support.command import RotateCommand

PASSWORD = "the password & more"
ABOUT = """
import json, os, sys
print(json.dumps({
    "environment": dict(os.environ), "arguments": sys.argv[1:], "line": open("/proc/self/cmdline").read(),
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RotateCommand:
    """A home with two secrets, which nothing here changes."""
    rotate = RotateCommand(home=tmp_path_factory.mktemp("exec") / "home")
    rotate.ok("init")
    rotate.ok("secret", "create", "db/app", value={"username": "app", "password": PASSWORD})
    rotate.ok("secret", "create", "token", value="a token")
    return rotate


def test_a_program_has_the_secret_in_its_environment(home: RotateCommand) -> None:
    """Its fields are variables, not arguments; rotator's own settings, keys above all, are not there."""
    ran = home(
        *("exec", "db/app", "--", sys.executable, "-c", ABOUT, "--output", "json"),
        ROTATOR_SEALING_KEYS="",
        OTHER="kept",
    )
    assert ran.code == 0, ran.err
    about = json.loads(ran.out)
    assert about["environment"]["PASSWORD"] == PASSWORD
    assert about["environment"]["OTHER"] == "kept"
    assert about["environment"]["ROTATOR_HOME"] == str(home.home)
    assert "ROTATOR_SEALING_KEYS" not in about["environment"]
    assert about["arguments"] == ["--output", "json"]
    assert PASSWORD not in about["line"]


def test_a_program_has_the_secret_in_a_file(home: RotateCommand, tmp_path: Path) -> None:
    """The file is there for what the program starts too, is in memory, and gone afterwards."""
    seen = tmp_path / "seen"
    script = 'cat "$1" && python3 -c "import sys; print(sys.argv[1])" "$1" > "$2"'
    ran = home.ok("exec", "token", "--file", "--", "sh", "-c", script, "sh", "{file}", str(seen))
    assert ran.out == "a token"
    assert not Path(seen.read_text().strip()).exists()


def test_the_exit_code_is_the_programs(home: RotateCommand) -> None:
    """Codes that rotate itself uses are the program's here, and 125 to 127 say that it didn't start."""
    assert home("exec", "token", "--env", "T=", "--", "sh", "-c", "exit 3").code == 3
    for refused in (
        ("exec", "nothing", "--", "true"),
        ("exec", "token", "--", "true"),
        ("exec", "token"),
        ("exec", "token", "--no-such-option", "--", "true"),
    ):
        ran = home(*refused)
        assert (ran.code, ran.out) == (125, "")
        assert "Error: " in ran.err
    assert home("exec", "db/app", "--", "/no/such/program").code == 127
    assert home("exec", "db/app", "--", "/etc/passwd").code == 126


def test_signals_are_the_programs(home: RotateCommand) -> None:
    """What is sent to the process reaches the program, which has its place."""
    program = (
        "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(42)); "
        "print('ready', flush=True); signal.pause()"
    )
    running = home.start("exec", "db/app", "--", sys.executable, "-c", program)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGTERM)
    running.communicate()
    assert running.returncode == 42


def test_each_read_is_audited(home: RotateCommand) -> None:
    """A value that a program was given is in the audit, by the person who ran it."""
    home.ok("exec", "token", "db/app", "--env", "T=token:", "--", "true")
    newest = home.json("audit", "show", "--limit", "2")["records"]
    assert {record["event"] for record in newest} == {"GetSecretValue"}
    assert {record["principal"].partition(":")[0] for record in newest} == {"local"}
