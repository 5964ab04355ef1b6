"""A plugin that hangs, ends its process or prints as it is imported: it is listed with why, and harms no command."""

from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.plugin import install_plugin

_SOUND = """
import os, sys
from typing import Literal
from dataclasses import dataclass
from rotator.sdk import Misconfigured, Overlap, Proof, Rotator, RotatorSettings, setting

print('{"result": "printed"}', flush=True)
os.write(1, b'{"result": "written"}\\n')
if os.path.basename(sys.argv[0]) == "rotate":
    os._exit(7)  # a command has imported it

@dataclass(frozen=True, kw_only=True)
class Settings(RotatorSettings):
    mode: Literal["fast", "slow"] = setting("how fast", default="fast")
    size: int = setting("how large", default=3)

    def __post_init__(self):
        if self.size == 13:
            os._exit(13)
        if self.size > 10:
            raise Misconfigured(f"size {self.size} is too large")

class Plugin(Rotator):
    name = "sound"
    aliases = ("SoundAlias",)
    summary = "a sound one\\x1b[2J"
    overlap = Overlap.NONE
    settings_model = Settings

    def set_secret(self, rotation):
        pass

    def probe(self, rotation, candidate):
        return Proof.ACCEPTED
"""
_HARMFUL = {
    "hanging-import": "import time; time.sleep(600)",
    "exiting-import": "import os; os._exit(3)",
    "killed-import": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "interrupted-import": "raise KeyboardInterrupt",
    "unprintable-import": "class E(Exception):\n  def __str__(self): raise E\nraise E",
}


@pytest.fixture
def rotate(tmp_path: Path) -> RotateCommand:
    """The command in a new home, with one sound plugin installed."""
    install_plugin(tmp_path, "sound", _SOUND)
    return RotateCommand(home=tmp_path / "home", environment={"PYTHONPATH": str(tmp_path)})


def test_what_harms_the_process_that_imports_it_is_listed_with_why(
    rotate: RotateCommand, tmp_path: Path
) -> None:
    """Each is asked in a process of its own, killed where it takes too long; the others are listed as they are."""
    for name, source in _HARMFUL.items():
        install_plugin(tmp_path, name, source)

    listed = {entry["name"]: entry for entry in rotate.json("plugins")["rotators"]}

    assert "did not answer in time" in listed["hanging-import"]["error"]
    assert "died (exit code 3)" in listed["exiting-import"]["error"]
    assert "died (exit code -9)" in listed["killed-import"]["error"]
    assert "died" in listed["interrupted-import"]["error"]
    assert listed["unprintable-import"]["error"] == "E: (a E that can't be shown)"
    assert listed["postgresql-single-user"]["error"] is None
    sound = listed["sound"]
    assert (sound["error"], sound["overlap"], sound["aliases"]) == (None, "none", ["SoundAlias"])
    assert (sound["summary"], sound["can_probe"]) == (r"a sound one\x1b[2J", True)
    assert [setting["name"] for setting in sound["settings"]] == ["mode", "size"]
    assert sound["settings"][0]["kind"] == "one of: fast, slow"


def test_a_command_imports_no_plugin(rotate: RotateCommand) -> None:
    """`rotation set` finds it by its alias and has its settings checked, all in processes of its own."""
    rotate.ok("init")
    rotate.ok("secret", "create", "app", value="first")
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:SoundAlias"

    rotate.ok("rotation", "set", "app", "--rotator", arn, "--setting", "size=4")
    wrong = rotate("rotation", "set", "app", "--setting", "size=11")
    dead = rotate("rotation", "set", "app", "--setting", "size=13")
    rotate.ok("now", "app")

    stored = rotate.json("rotation", "show", "app")["rotation"]
    assert stored["options"]["settings"] == {"size": 4}
    assert (wrong.code, dead.code) == (2, 2)
    assert "size 11 is too large" in wrong.err
    assert "died (exit code 13)" in dead.err
    assert "printed" not in "".join(rotate.shown)


def test_a_plugin_that_can_not_be_imported_can_not_be_chosen(
    rotate: RotateCommand, tmp_path: Path
) -> None:
    """`rotation set` says why, and `rotate` of another secret is not concerned."""
    install_plugin(tmp_path, "exiting-import", _HARMFUL["exiting-import"])
    rotate.ok("init")
    rotate.ok("secret", "create", "app", value="first")

    refused = rotate("rotation", "set", "app", "--rotator", "exiting-import")

    assert refused.code == 2
    assert "died (exit code 3)" in refused.err
    rotate.ok("rotation", "set", "app", "--rotator", "generic-password")
    rotate.ok("now", "app")
