"""Imports and exports of many secrets that are killed in the middle."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import RotateCommand
from tests.support.forked_command import Command, run
from tests.support.store import AUDIT_KEY_TEXT

SECRETS: list[dict[str, Any]] = [
    {
        "name": f"app/secret-{number:04}",
        "description": f"the {number}th",
        "tags": {"number": str(number)},
        "version_id": f"{number:032}",
        "value": f"value {number}",
    }
    for number in range(2500)
]
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path, store_url: str) -> RotateCommand:
    """An installation on each engine of the store."""
    rotate = RotateCommand(
        home=tmp_path / "home",
        environment={"ROTATOR_STORE_URL": store_url, "ROTATOR_AUDIT_KEY": AUDIT_KEY_TEXT},
    )
    rotate.ok("init")
    return rotate


def killed_at(home: RotateCommand, effect: int, *arguments: str) -> bool:
    """Whether the command was killed at that effect; else it has done its work."""
    ended = run(
        Command(
            program="killed",
            arguments=(str(effect), *arguments),
            environment=home.variables(),
        ),
        limit=300,
    )
    assert ended.code in {0, -signal.SIGKILL}, ended.err
    return ended.code != 0


def stored(home: RotateCommand) -> list[dict[str, Any]]:
    """All that is in the store, as an export has it."""
    lines = home.ok("secret", "export", "--plaintext").out.splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda secret: str(secret["name"]))


def test_the_same_command_finishes_a_killed_import(home: RotateCommand, tmp_path: Path) -> None:
    """However often it is killed: no secret is half made, none is made twice, and in the end all are there."""
    file = tmp_path / "secrets.jsonl"
    file.write_text("".join(json.dumps(secret) + "\n" for secret in SECRETS))
    effect, seen = 1, []
    while killed_at(home, effect, "secret", "import", str(file)):
        now = stored(home)
        assert all(secret in SECRETS for secret in now[:: len(now) // 50 or 1])
        assert now == [secret for secret in SECRETS if secret in now]
        seen.append(len(now))
        effect += 7
    assert len(seen) > 3
    assert len(set(seen)) > 2, "it was never killed between the batches"
    assert stored(home) == SECRETS
    again = home.json("secret", "import", str(file))
    assert (again["made"], again["left"]) == (0, len(SECRETS))
    assert len(home.json("secret", "versions", SECRETS[0]["name"], "--all")["versions"]) == 1


def test_a_killed_export_leaves_no_file(home: RotateCommand, tmp_path: Path) -> None:
    """Under its name an export is whole or not there, sealed or not, and nothing else is left behind."""
    lines = "".join(json.dumps(secret) + "\n" for secret in SECRETS[:450])
    home.ok("secret", "import", "-", value=lines)
    passphrase, folder = tmp_path / "passphrase", tmp_path / "exports"
    passphrase.write_text(PASSPHRASE)
    folder.mkdir()
    file = folder / "export"
    export = ("secret", "export", "--output-file", str(file))
    for options in (("--plaintext",), ("--passphrase-file", str(passphrase))):
        effect = 1
        while killed_at(home, effect, *export, *options) and not file.exists():
            assert list(folder.iterdir()) == []
            effect += 3
        again = home.json(
            "secret", "import", str(file), "--passphrase-file", str(passphrase), "--dry-run"
        )
        assert again["left"] == 450
        assert effect > 6
        assert list(folder.iterdir()) == [file]
        file.unlink()
