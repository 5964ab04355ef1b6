"""Keys in a file for safe-keeping: what opens it, and what a hostile file can do."""

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.crypto import keyring_format, passphrase
from rotator.crypto.key_export import open_keys, seal_keys, verify_export
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import DecryptionFailure, InvalidParameter, KeyUnavailable

_PASSPHRASE = "correct horse battery staple"
_KEYS = Keyring(
    active="one",
    keys={
        "one": SealingKey(
            key_id="one", material=b"1" * 32, created_at=datetime(2026, 1, 1, tzinfo=UTC)
        ),
        "two": SealingKey(
            key_id="two", material=b"2" * 32, created_at=None, state=KeyState.DISABLED
        ),
    },
    aliases={"alias/payments": "one"},
)


def _sealed(content: bytes, *, kind: str = "keys") -> bytes:
    """A file that is cheap to open: what is tried on it by the hundred takes the same path."""
    file = io.BytesIO()
    sealer = passphrase.sealing(file, passphrase=_PASSPHRASE, content=kind, cost=2**14)
    sealer.write(content)
    sealer.finish()
    return file.getvalue()


_FILE = _sealed(keyring_format.encode(_KEYS))


def test_what_is_exported_opens_under_its_passphrase_alone() -> None:
    """States, aliases and times come back; another passphrase is refused, and quoted nowhere."""
    content = seal_keys(_KEYS, under=_PASSPHRASE)
    assert open_keys(content, under=_PASSPHRASE) == _KEYS
    with pytest.raises(DecryptionFailure, match="passphrase is another one") as refused:
        open_keys(content, under="incorrect horse")
    assert "incorrect horse" not in str(refused.value)
    assert b"1" * 32 not in content


def test_a_disabled_key_can_be_exported_alone() -> None:
    """A retired key in safe-keeping opens like any other."""
    alone = _KEYS.only(["two"])
    verify_export(_sealed(keyring_format.encode(alone)), alone, under=_PASSPHRASE)
    assert alone.active == "two"


@pytest.mark.parametrize(
    "content", [b"", _FILE[:-1], _sealed(keyring_format.encode(_KEYS.only(["one"])))]
)
def test_an_export_that_isn_t_what_was_exported_is_told(content: bytes) -> None:
    """A file that is cut off or holds other keys is never called a copy."""
    verify_export(_FILE, _KEYS, under=_PASSPHRASE)
    with pytest.raises(DecryptionFailure, match="no copy of the keys"):
        verify_export(content, _KEYS, under=_PASSPHRASE)


def test_the_file_says_how_its_key_is_derived() -> None:
    """A versioned line of JSON with scrypt's parameters, N = 2¹⁷ or stronger."""
    header = json.loads(seal_keys(_KEYS, under=_PASSPHRASE).split(b"\n")[0])
    assert (header["rotator"], header["format"], header["kdf"]) == ("keys", 1, "scrypt")
    assert header["n"] >= 2**17
    assert (header["r"], header["p"]) == (8, 1)


def test_a_short_passphrase_is_refused() -> None:
    """A file can be tried out offline, so a short passphrase protects nothing."""
    with pytest.raises(InvalidParameter, match="fewer than"):
        seal_keys(_KEYS, under="short")


@given(st.integers(min_value=0, max_value=len(_FILE) - 1))
@settings(max_examples=40)
def test_a_file_that_was_cut_off_is_refused(length: int) -> None:
    """However much of it is left, nothing of it is taken."""
    with pytest.raises(DecryptionFailure):
        open_keys(_FILE[:length], under=_PASSPHRASE)


@given(st.integers(min_value=0, max_value=len(_FILE) - 1), st.integers(min_value=1, max_value=255))
@settings(max_examples=40)
def test_an_altered_byte_is_detected(place: int, change: int) -> None:
    """In the header, where parameters are, as in the sealed keys."""
    altered = bytearray(_FILE)
    altered[place] ^= change
    with pytest.raises(DecryptionFailure):
        open_keys(bytes(altered), under=_PASSPHRASE)


@given(st.binary(max_size=400))
def test_any_other_file_is_refused(content: bytes) -> None:
    """Bytes from anywhere raise the house's own error and no other."""
    with pytest.raises(DecryptionFailure):
        open_keys(content, under=_PASSPHRASE)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2**40},
        {"n": 2},
        {"n": 2**17 + 1},
        {"n": "131072"},
        {"r": 2**30},
        {"p": 10**6},
        {"kdf": "none"},
    ],
)
def test_parameters_that_would_exhaust_the_machine_are_refused(fields: dict[str, object]) -> None:
    """A hostile file decides neither how much memory is taken nor that none is."""
    header, _, rest = _FILE.partition(b"\n")
    hostile = json.dumps(json.loads(header) | fields, separators=(",", ":")).encode()
    with pytest.raises(DecryptionFailure):
        open_keys(hostile + b"\n" + rest, under=_PASSPHRASE)


@pytest.mark.parametrize(
    "inside",
    [b"", b"{}", b"[]", b"nonsense", b'{"format": 2, "active": "a", "keys": {}, "aliases": {}}'],
)
def test_a_sealed_file_without_keys_is_refused(inside: bytes) -> None:
    """What opens but holds no keyring imports nothing."""
    with pytest.raises(DecryptionFailure, match="holds no sealing keys"):
        open_keys(_sealed(inside), under=_PASSPHRASE)


def test_a_file_of_another_kind_or_of_a_later_release_is_told() -> None:
    """An export of secrets is no export of keys; a later format asks for the later release."""
    with pytest.raises(DecryptionFailure, match="doesn't hold keys"):
        open_keys(_sealed(b"", kind="secrets"), under=_PASSPHRASE)
    with pytest.raises(KeyUnavailable, match="later release"):
        open_keys(_sealed(b'{"format": 3}'), under=_PASSPHRASE)
