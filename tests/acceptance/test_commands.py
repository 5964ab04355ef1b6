"""A user's tour with a program of their own, as docs/plugins.md shows it."""

import sys
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.documentation import shown


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The documentation's program, run by this interpreter."""
    source = shown("plugins.md", language="python", having="sys.exit(17)")
    path = tmp_path / "rotate-file"
    path.write_text(source.replace("/usr/bin/env python3", sys.executable))
    path.chmod(0o755)
    return path


def test_a_tour(rotate: RotateCommand, program: Path, tmp_path: Path) -> None:
    """A declared program is listed, set and run; the target has what the secret says, and no value is shown."""
    target = tmp_path / "target"
    target.write_text("first password")
    rotate.ok("init")
    config = rotate.home / "config.yaml"
    config.write_text(f"commands: {{rotate-file: {{argv: [{program}]}}}}")
    config.chmod(0o600)
    rotate.ok("secret", "create", "app", value={"path": str(target), "password": "first password"})

    assert str(program) in rotate.ok("plugins").out
    rotate.ok("rotation", "set", "app", "--rotator", "rotate-file", "--setting", "any=thing")
    rotate.ok("now", "app")

    assert rotate.reveal("app")["password"] == target.read_text() != "first password"
    rotate.ok("verify", "app")
    assert target.read_text() not in "".join(rotate.shown)

    program.chmod(0o777)
    refused = rotate("now", "app")
    assert refused.code == 7
    assert "chmod go-w" in refused.err + refused.out


def test_the_name_of_a_built_in_rotator_is_taken(rotate: RotateCommand) -> None:
    """A program can't stand in for a built-in rotator by its name."""
    rotate.ok("init")
    config = rotate.home / "config.yaml"
    config.write_text("commands: {generic-password: {argv: [/bin/true]}}")
    config.chmod(0o600)
    refused = rotate("plugins")
    assert refused.code == 2
    assert "commands.generic-password" in refused.err
