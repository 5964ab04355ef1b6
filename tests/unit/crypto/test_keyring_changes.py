"""Changes of the keyring file: formats, other processes, and what a crash leaves."""

import fcntl
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rotator.crypto import keyring_file, keyring_format
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import InvalidRequest, KeyUnavailable
from tests.support import older_store
from tests.support.keys import add_key, edit, material

_CONTEXT = b"here"


def test_a_keyring_of_the_first_release_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    """Format 1 works without being rewritten; its keys are enabled and their age is unknown."""
    path = older_store.copy_keyring(tmp_path)
    before = path.read_bytes()
    assert "format" not in json.loads(before)
    keyring = FileKeyProvider(path).keyring
    assert {(key.state, key.created_at) for key in keyring.keys.values()} == {("enabled", None)}
    assert path.read_bytes() == before


def test_the_first_change_rewrites_it_in_format_2(tmp_path: Path) -> None:
    """No key is lost by it, and what the old keys wrapped they still unwrap."""
    path = older_store.copy_keyring(tmp_path)
    old = FileKeyProvider(path)
    active, keys = old.active_key_id, old.keyring.keys
    wrapped = old.wrap(bytes(32), key_id=active, context=_CONTEXT)
    add_key(path, "new", active=True, alias="alias/payments")
    assert json.loads(path.read_text())["format"] == 2
    new = FileKeyProvider(path)
    assert new.active_key_id == new.resolve("alias/payments") == "new"
    assert {key_id: new.keyring.keys[key_id] for key_id in keys} == keys
    assert new.unwrap(wrapped, key_id=active, context=_CONTEXT) == bytes(32)


def test_a_keyring_is_written_and_read_alike(keyring: Path) -> None:
    """States, aliases and times of making survive; the file stays private."""
    add_key(keyring, "other", alias="alias/a/b-c_d")
    after = edit(keyring, lambda ring: ring.with_state("other", KeyState.DISABLED))
    assert FileKeyProvider(keyring).keyring == after
    assert stat.S_IMODE(keyring.stat().st_mode) == 0o600
    assert list(keyring.parent.iterdir()) == [keyring]


def test_a_later_format_is_refused_with_the_release_to_install(keyring: Path) -> None:
    """A keyring of format 3 is no malformed one."""
    keyring.write_text(json.dumps({"format": 3, "keys": "anything"}))
    with pytest.raises(KeyUnavailable, match="later release"):
        _ = FileKeyProvider(keyring).active_key_id


def test_a_running_process_sees_what_another_one_changed(keyring: Path) -> None:
    """A new active key, a disabled key and an alias count at the next use."""
    provider = FileKeyProvider(keyring)
    old = provider.active_key_id
    wrapped = provider.wrap(bytes(32), key_id=old, context=_CONTEXT)
    add_key(keyring, "new", active=True)
    assert provider.resolve(None) == "new"
    edit(keyring, lambda ring: ring.with_state(old, KeyState.DISABLED))
    with pytest.raises(KeyUnavailable, match=f"rotate key enable {old}"):
        provider.unwrap(wrapped, key_id=old, context=_CONTEXT)


def test_the_file_is_read_once_while_nobody_changes_it(
    keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A use of a key costs a look at the file's stamp, not the reading of the file."""
    provider = FileKeyProvider(keyring)
    _ = provider.keyring
    monkeypatch.setattr(keyring_format, "decode", lambda _: pytest.fail("read again"))
    assert provider.unwrap(
        provider.wrap(bytes(32), key_id=provider.active_key_id, context=b""),
        key_id=provider.active_key_id,
        context=b"",
    )


def test_a_call_sees_what_was_changed_before_it_began(keyring: Path) -> None:
    """A look from before the call won't do, however short ago; one from after it serves others that began earlier."""
    provider = FileKeyProvider(keyring)
    earlier = Sealer.moment()
    old = provider.active_key_id
    assert provider.as_of(earlier).active_key_id == old
    add_key(keyring, "new", active=True)
    later = Sealer.moment()
    assert (
        provider.as_of(earlier).active_key_id == old
    )  # it may have read the file before it was changed
    assert provider.as_of(later).active_key_id == "new"
    assert provider.as_of(earlier).active_key_id == "new"


def test_a_moment_is_not_after_itself(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock has not moved since a look, the file may have been changed meanwhile, and is looked at again."""
    monkeypatch.setattr("time.monotonic_ns", lambda: 7)
    provider = FileKeyProvider(keyring)
    _ = provider.active_key_id
    add_key(keyring, "new", active=True)
    assert provider.as_of(Sealer.moment()).active_key_id == "new"


@pytest.mark.parametrize("harm", ["malformed", "open to others", "gone"])
def test_a_call_gets_no_keys_of_a_keyring_that_became_bad(keyring: Path, harm: str) -> None:
    """What was read before it is not used."""
    provider = FileKeyProvider(keyring)
    _ = provider.active_key_id
    _harm(keyring, harm)
    with pytest.raises(KeyUnavailable):
        provider.as_of(Sealer.moment())


def _harm(keyring: Path, harm: str) -> None:
    if harm == "malformed":
        keyring.write_bytes(keyring.read_bytes()[:-20])
    elif harm == "gone":
        keyring.unlink()
    else:
        keyring.chmod(0o644)


@pytest.mark.parametrize("harm", ["malformed", "open to others", "gone"])
def test_a_keyring_that_became_bad_is_refused_until_it_is_mended(keyring: Path, harm: str) -> None:
    """The keys of before are not used any more; nothing is written, and the mended file works again."""
    provider = FileKeyProvider(keyring)
    active = provider.active_key_id
    content = keyring.read_bytes()
    _harm(keyring, harm)
    left = keyring.read_bytes() if keyring.exists() else None
    for use in (lambda: provider.resolve(None), lambda: add_key(keyring, "new")):
        with pytest.raises((KeyUnavailable, AssertionError)):
            use()
    assert (keyring.read_bytes() if keyring.exists() else None) == left
    keyring.unlink(missing_ok=True)
    keyring.touch(mode=0o600)
    keyring.write_bytes(content)
    assert provider.resolve(None) == active


def test_what_a_change_refuses_leaves_the_file_as_it_was(keyring: Path) -> None:
    """A refused change writes nothing."""
    before = keyring.read_bytes(), keyring.stat().st_mtime_ns
    active = FileKeyProvider(keyring).active_key_id
    with pytest.raises(InvalidRequest):
        edit(keyring, lambda ring: ring.with_state(active, KeyState.DISABLED))
    assert (keyring.read_bytes(), keyring.stat().st_mtime_ns) == before


def test_a_change_that_changes_nothing_writes_nothing(keyring: Path) -> None:
    """Enabling an enabled key is no reason to write a file full of keys."""
    before = keyring.stat()
    active = FileKeyProvider(keyring).active_key_id
    edit(keyring, lambda ring: ring.with_state(active, KeyState.ENABLED))
    assert keyring.stat() == before


def test_a_new_key_is_on_the_disk_before_it_is_used(
    keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written and synced, with its folder, while the old key is active still; then it becomes the active one."""
    old = FileKeyProvider(keyring).active_key_id
    seen: list[tuple[str, bool]] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        fsync(descriptor)
        ring = keyring_format.decode(keyring.read_bytes())
        seen.append((ring.active, "new" in ring.keys))

    monkeypatch.setattr(os, "fsync", recording)
    add_key(keyring, "new", active=True)
    added = seen.index((old, True))
    assert seen[:added] == [(old, False)] * added
    # Synced with its folder before any reader is told to use it, and again when it is active.
    assert ("new", False) not in seen
    assert seen[-1] == ("new", True)


def test_a_leftover_of_a_killed_change_is_overwritten(keyring: Path) -> None:
    """A temporary file never gets in the way, and there is never more than one."""
    leftover = keyring.with_name(".keyring.json.new")
    leftover.write_text("half a keyr")
    add_key(keyring, "new")
    assert list(keyring.parent.iterdir()) == [keyring]
    assert "new" in FileKeyProvider(keyring).keyring.keys


def test_a_link_to_the_keyring_stays_one(keyring: Path, tmp_path: Path) -> None:
    """A change through a symbolic link changes the file that it leads to."""
    link = tmp_path / "link.json"
    link.symlink_to(keyring)
    add_key(link, "new")
    assert link.is_symlink()
    assert "new" in FileKeyProvider(keyring).keyring.keys


def test_who_keeps_the_lock_for_too_long_is_told(keyring: Path) -> None:
    """A change waits for another one's lock and gives up with the command that shows who has it."""
    folder = os.open(keyring.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with (
            pytest.raises(KeyUnavailable, match="fuser"),
            keyring_file.locked(keyring, timeout=0.05),
        ):
            pytest.fail("two have the lock")
        assert FileKeyProvider(keyring).active_key_id  # reading waits for nobody
    finally:
        os.close(folder)


_ADDING = """
import sys
from pathlib import Path
from tests.support.keys import add_key
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    add_key(Path(sys.argv[1]), f"{sys.argv[2]}-{number}", active=True)
"""


def test_processes_that_change_it_at_once_lose_no_key(keyring: Path) -> None:
    """Of three processes that add keys at the same time each sees what the others added."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _ADDING, str(keyring), name, "8"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    expected = {f"{name}-{number}" for name in "abc" for number in range(8)}
    keys = FileKeyProvider(keyring).keyring.keys
    assert expected <= keys.keys()
    assert len(keys) == len(expected) + 1


def test_a_keyring_is_made_where_there_is_none(tmp_path: Path) -> None:
    """What is imported into a home whose keyring is lost becomes its keyring, private as any other."""
    path = tmp_path / "home" / "keyring.json"
    key = SealingKey(key_id="a", material=bytes(32), created_at=None)
    FileKeyProvider(path).change_or_make(lambda _: Keyring(active="a", keys={"a": key}))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert material(path, "a") == bytes(32)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_keys_as_they_were(
    keyring: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A change that can't be written is refused with the reason; the keys and the folder are as before."""
    before = keyring.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(KeyUnavailable, match="No space left on device"):
        add_key(keyring, "new")
    assert keyring.read_bytes() == before
    assert list(keyring.parent.iterdir()) == [keyring]
