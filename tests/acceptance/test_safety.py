"""Permissions, keys and leaks: what the command leaves on the machine, and what it refuses to work with."""

import shutil
from pathlib import Path

from tests.support.command import RotateCommand
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

SECRET = "db/app"


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def test_only_its_owner_can_read_the_home(ready: RotateCommand) -> None:
    """The home folder is 0700, and each file in it is 0600."""
    ready.ok("now", SECRET)
    assert mode(ready.home) == "700"
    assert {file.name: mode(file) for file in ready.home.iterdir() if mode(file) != "600"} == {}


def test_a_keyring_that_others_may_read_is_refused(ready: RotateCommand) -> None:
    """Exit code 8, with the command that mends it; afterwards everything works again."""
    keyring = ready.home / "keyring.json"
    keyring.chmod(0o644)
    refused = ready("secret", "get", SECRET, "--reveal")
    assert refused.code == 8
    assert f"chmod 600 '{keyring}'" in refused.err
    assert refused.out == ""
    assert ready("doctor").code == 8
    keyring.chmod(0o600)
    ready.ok("secret", "get", SECRET, "--reveal")


def test_a_store_that_others_may_read_is_refused(ready: RotateCommand) -> None:
    """Exit code 8, with the command that mends it."""
    (ready.home / "rotator.db").chmod(0o644)
    refused = ready("status")
    assert refused.code == 8
    assert "chmod 600" in refused.err


def test_another_stores_keyring_is_refused(ready: RotateCommand, tmp_path: Path) -> None:
    """A wrong key opens nothing and seals nothing: exit code 8, and the right one works as before."""
    other = RotateCommand(home=tmp_path / "other")
    other.ok("init")
    keyring, kept = ready.home / "keyring.json", tmp_path / "kept"
    shutil.copy2(keyring, kept)
    shutil.copy2(other.home / "keyring.json", keyring)
    for command in (("secret", "get", SECRET, "--reveal"), ("now", SECRET), ("init",)):
        assert ready(*command).code == 8, command
    assert ready("secret", "put", SECRET, value="sealed under a wrong key").code == 8
    shutil.copy2(kept, keyring)
    ready.ok("verify", SECRET)


def test_init_never_replaces_a_lost_key(ready: RotateCommand) -> None:
    """Where the store is in use and its keyring is gone, init asks for the backup: a new key could open nothing."""
    (ready.home / "keyring.json").unlink()
    refused = ready("init")
    assert refused.code == 8
    assert "backup" in refused.err
    assert not (ready.home / "keyring.json").exists()


def test_a_configuration_that_others_may_change_is_refused(ready: RotateCommand) -> None:
    """Whoever may change the settings decides where secrets go: exit code 2."""
    file = ready.home / "config.yaml"
    file.write_text("region: us-east-1\n")
    file.chmod(0o666)
    refused = ready("status")
    assert refused.code == 2
    assert "chmod 600" in refused.err


def test_no_password_is_left_anywhere(
    ready: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """No password that was ever used is in any output, log, process, file of the home or server's log.

    The first one is in the server's log, where the test itself made the role.
    """
    ready.environment["ROTATOR_LOG_LEVEL"] = "debug"
    passwords = [role.password]
    ready.ok("now", SECRET)
    passwords.append(ready.reveal(SECRET)["password"])
    running = ready.start("now", SECRET, ROTATOR_BARRIER_DRAIN="5", ROTATOR_BARRIER_LIMIT="10")
    try:
        assert eventually(lambda: "setSecret" in ready("status", SECRET).out)
        process = Path("/proc", str(running.pid))
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    finally:
        ready.shown.extend(running.communicate(timeout=60))
    assert running.returncode == 0
    passwords.append(ready.reveal(SECRET)["password"])
    for command in (
        ("plan", SECRET),
        ("status", SECRET),
        ("history", SECRET),
        ("verify", SECRET),
        ("rotation", "show", SECRET),
        ("secret", "get", SECRET),
        ("secret", "describe", SECRET),
        ("secret", "list"),
        ("doctor",),
    ):
        ready.ok(*command)
        ready.ok(*command, "--output", "json")
    assert any("rotation.step.done" in text for text in ready.shown)
    files = b"".join(file.read_bytes() for file in ready.home.rglob("*") if file.is_file())
    ours = (seen + files).decode(errors="replace") + "".join(ready.shown)
    assert len(set(passwords)) == 3
    assert [password for password in passwords if password in ours] == []
    assert [password for password in passwords[1:] if password in pg18.log_text()] == []
