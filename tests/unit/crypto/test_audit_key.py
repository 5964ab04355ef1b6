"""The audit key: how its file is made, and when it is refused."""

import base64
import stat
from pathlib import Path

import pytest

from rotator.crypto.audit_key import AuditKey, AuditKeyFile, GivenAuditKey
from rotator.errors import KeyUnavailable


def test_a_new_key_is_private_and_is_read_again(tmp_path: Path) -> None:
    """It has mode 0600 in a folder of mode 0700, and gives the same codes when it is loaded."""
    source = AuditKeyFile(tmp_path / "home" / "audit.key")
    assert not source.exists()
    made = source.make()
    assert source.exists()
    assert stat.S_IMODE((tmp_path / "home" / "audit.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert source.load().mac(b"message") == made.mac(b"message")
    assert made.verifies(b"message", made.mac(b"message"))
    assert not made.verifies(b"message", None)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Who makes it second gets the key that is there."""
    source = AuditKeyFile(tmp_path / "audit.key")
    first = source.make()
    assert source.make().fingerprint == first.fingerprint


def test_keys_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    """A fingerprint tells keys apart and is not the key."""
    keys = [AuditKeyFile(tmp_path / name).make() for name in ("a", "b")]
    assert keys[0].fingerprint != keys[1].fingerprint
    content = base64.b64decode((tmp_path / "a").read_bytes())
    assert keys[0].fingerprint not in content.hex()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The message names the command that mends it."""
    path = tmp_path / "audit.key"
    AuditKeyFile(path).make()
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        AuditKeyFile(path).load()


def test_a_missing_key_is_told_with_what_to_do(tmp_path: Path) -> None:
    """It has to come from a backup, since records can't be verified under another one."""
    with pytest.raises(KeyUnavailable, match="restore it from its backup"):
        AuditKeyFile(tmp_path / "audit.key").load()


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64 at all", base64.b64encode(bytes(33))])
def test_a_malformed_key_is_refused_without_being_quoted(text: str | bytes) -> None:
    """The message says what a key looks like."""
    given = text.decode() if isinstance(text, bytes) else text
    with pytest.raises(KeyUnavailable, match="32 bytes in base64") as refused:
        GivenAuditKey(given).load()
    assert not given or given not in str(refused.value)


def test_a_key_has_256_bits() -> None:
    """Nothing shorter is taken."""
    with pytest.raises(ValueError, match="32 bytes"):
        AuditKey(bytes(16))
