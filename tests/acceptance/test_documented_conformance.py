"""The conformance suite as docs/plugins.md shows it, on the rotator of the same page."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.documentation import shown


def test_the_rotator_in_forty_lines_conforms(tmp_path: Path) -> None:
    """An author's file, word for word: pytest finds the suite's tests in it, and all of them pass."""
    rotator = shown("plugins.md", language="python", having="class PasswdFile(")
    tests = shown("plugins.md", language="python", having="class TestPasswdFile(")
    (tmp_path / "my_package.py").write_text(rotator)
    (tmp_path / "test_passwd_file.py").write_text(tests)

    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "error",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "10 passed" in ran.stdout
