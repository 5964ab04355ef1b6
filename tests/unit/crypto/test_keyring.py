"""The keyring file: how it is made, and when it is refused."""

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import DecryptionFailure, KeyUnavailable
from tests.support.keys import add_key, material

_DATA_KEY = bytes(32)
_CONTEXT = b"context"


def _refusal(path: Path) -> str:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(KeyUnavailable) as refused:
        _ = FileKeyProvider(path).active_key_id
    assert (path.read_bytes() if path.is_file() else None) == before, "harmed the keyring"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return str(refused.value)


def test_a_new_keyring_is_private_and_works(tmp_path: Path) -> None:
    """A keyring has mode 0600 in a folder of mode 0700, with one active key that wraps."""
    path = tmp_path / "home" / "keyring.json"
    key_id = create_keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    provider = FileKeyProvider(path)
    assert provider.active_key_id == key_id
    wrapped = provider.wrap(_DATA_KEY, key_id=key_id, context=_CONTEXT)
    assert _DATA_KEY not in wrapped
    assert provider.unwrap(wrapped, key_id=key_id, context=_CONTEXT) == _DATA_KEY


def test_keyrings_have_keys_of_their_own(tmp_path: Path) -> None:
    """Two keyrings share neither key ids nor keys, and an id is short enough to read out."""
    first, second = (create_keyring(tmp_path / name) for name in ("a", "b"))
    assert first != second
    assert len(first) == 12
    keys = [json.loads((tmp_path / name).read_text())["keys"] for name in ("a", "b")]
    assert keys[0][first] != keys[1][second]


def test_a_keyring_is_never_overwritten(keyring: Path) -> None:
    """Where there is a keyring already, making one is refused and leaves it as it was."""
    before = keyring.read_bytes()
    with pytest.raises(KeyUnavailable, match="already"):
        create_keyring(keyring)
    assert keyring.read_bytes() == before
    assert list(keyring.parent.iterdir()) == [keyring]


def test_a_keyring_is_on_the_disk_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and folder are fsynced, the file before it gets its name."""
    path = tmp_path / "new" / "keyring.json"
    synced: list[tuple[bool, bool]] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    create_keyring(path)
    parent, file, folder = synced
    assert parent == (True, False)
    assert file == (False, False)
    assert folder == (True, True)


def test_an_older_key_still_unwraps(keyring: Path) -> None:
    """With several keys the active one wraps, and each unwraps what it wrapped."""
    old = FileKeyProvider(keyring)
    old_id = old.active_key_id
    wrapped = old.wrap(_DATA_KEY, key_id=old_id, context=_CONTEXT)
    add_key(keyring, "newer", active=True)
    provider = FileKeyProvider(keyring)
    assert provider.active_key_id == "newer"
    assert provider.unwrap(wrapped, key_id=old_id, context=_CONTEXT) == _DATA_KEY


def test_a_wrapped_key_is_bound_to_key_and_context(keyring: Path) -> None:
    """A data key does not unwrap in another context, or under another key id with the same key."""
    active = FileKeyProvider(keyring).active_key_id
    add_key(keyring, "twin", material=material(keyring, active))
    provider = FileKeyProvider(keyring)
    wrapped = provider.wrap(_DATA_KEY, key_id=active, context=_CONTEXT)
    for key_id, context in ((active, b"another"), ("twin", _CONTEXT)):
        with pytest.raises(DecryptionFailure):
            provider.unwrap(wrapped, key_id=key_id, context=context)


def test_a_missing_keyring_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    """Without a keyring the message tells a new store from one that needs its backup."""
    message = _refusal(tmp_path / "none.json")
    assert "rotate init" in message
    assert "backup" in message
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_keyring_that_others_may_read_is_refused(keyring: Path, mode: int) -> None:
    """Any permission of group or world is refused with the chmod that mends it."""
    keyring.chmod(mode)
    message = _refusal(keyring)
    assert f"mode {mode:04o}" in message
    assert f"chmod 600 '{keyring}'" in message


def test_a_keyring_in_a_folder_that_others_may_write_is_refused(keyring: Path) -> None:
    """Who may write the folder may replace the keyring; a sticky folder is safe from that."""
    keyring.parent.chmod(0o777)
    assert f"chmod go-w '{keyring.parent}'" in _refusal(keyring)
    keyring.parent.chmod(0o1777)
    assert FileKeyProvider(keyring).active_key_id


def test_a_link_is_judged_by_what_it_leads_to(keyring: Path, tmp_path: Path) -> None:
    """A symbolic link to a private keyring is followed; the file and its folder have to be safe."""
    link = tmp_path / "link.json"
    link.symlink_to(keyring)
    assert FileKeyProvider(link).active_key_id
    keyring.parent.chmod(0o777)
    assert str(keyring.parent) in _refusal(link)
    keyring.parent.chmod(0o700)
    keyring.chmod(0o644)
    assert "chmod 600" in _refusal(link)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder or a named pipe in the keyring's place is refused, without waiting for a writer."""
    assert "Is a directory" in _refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe", mode=0o600)
    assert "is not a file" in _refusal(tmp_path / "pipe")


_KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        {"active": "a"},
        {"active": "a", "keys": []},
        {"active": "a", "keys": {"b": _KEY}},
        {"active": ["a"], "keys": {"a": _KEY}},
        {"active": "a", "keys": {"a": 7}},
        {"active": "a", "keys": {"a": "§§§"}},
        {"active": "a", "keys": {"a": base64.b64encode(bytes(16)).decode()}},
        {"active": "a", "keys": {"a": _KEY + "\n"}},
    ],
)
def test_a_malformed_keyring_is_refused_unquoted(keyring: Path, content: Any) -> None:
    """A keyring that is not of the form is refused, and the message quotes nothing of it."""
    keyring.write_text(content if isinstance(content, str) else json.dumps(content))
    message = _refusal(keyring)
    assert "malformed" in message
    assert "Restore it from its backup" in message
    assert _KEY not in message


def test_the_repr_of_a_provider_shows_no_key(keyring: Path) -> None:
    """Neither the provider nor what it keeps prints a key."""
    provider = FileKeyProvider(keyring)
    key = material(keyring, provider.active_key_id)
    shown = repr(provider) + repr(provider.keyring)
    assert base64.b64encode(key).decode() not in shown
    assert repr(key) not in shown
