"""`rotate demo`: it shows what it promises and leaves nothing behind."""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.waiting import eventually


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files that the account of the private server can reach too."""
    folder = Path(tempfile.mkdtemp(prefix="rotator-demo-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def rotate(tmp_path: Path, temporary: Path) -> RotateCommand:
    return RotateCommand(home=tmp_path / "home", environment={"TMPDIR": str(temporary)}, anew=True)


def processes_using(folder: Path) -> list[int]:
    """The processes whose command line names something in `folder`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in line:
                found.append(int(process.name))
    return found


def test_two_rotations_without_a_failed_login(rotate: RotateCommand, temporary: Path) -> None:
    """Both rotations succeed under load, each with its proof, and nothing is left."""
    ran = rotate("demo")
    assert ran.code == 0, ran.out + ran.err
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        assert len(re.findall(rf"^  {step} .* \d+ ms$", ran.out, re.MULTILINE)) == 2, step
    assert len(re.findall(r"^  AWSCURRENT +\w{8} +\w{8}$", ran.out, re.MULTILINE)) == 2
    assert "the old password of app is refused: password authentication failed" in ran.out
    assert "the old login, app, still works; clients log in as app_clone now" in ran.out
    assert re.search(
        r"^[\d,]+ logins \([\d,]+ as app, [\d,]+ as app_clone\), 0 failures$", ran.out, re.MULTILINE
    )
    assert "Try next" in ran.out
    assert list(temporary.iterdir()) == []
    assert processes_using(temporary) == []
    assert not rotate.home.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(
    rotate: RotateCommand, temporary: Path, number: signal.Signals
) -> None:
    """Ctrl-C, and the end of a CI job, in the middle: server, store and key are gone all the same."""
    running = rotate.start("demo")
    assert running.stdout is not None
    for line in running.stdout:
        if "clients fetch the credential" in line:
            break
    running.send_signal(number)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130, error
    assert "Interrupted" in error
    assert eventually(lambda: list(temporary.iterdir()) == [])
    assert processes_using(temporary) == []
