"""The audit key: what the records of the audit are chained under. Whoever has only the store can't forge a record.

The file holds 256 random bits in base64, on one line.
"""

import base64
import binascii
import hmac
import os
from pathlib import Path
from typing import Protocol

from rotator.crypto import aead
from rotator.crypto.key_files import KEPT, read_key_file
from rotator.errors import KeyUnavailable
from rotator.files import create_private_file

_FINGERPRINT = b"rotator:audit:fingerprint:1"
_FINGERPRINT_BYTES = 8
_RESTORE = "A store whose audit was begun needs the key that it was begun with: restore it from its backup."


class AuditKey:
    """Authenticates what is kept in the store, by HMAC-SHA256 (RFC 2104)."""

    __slots__ = ("_begun", "fingerprint")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != aead.KEY_BYTES:
            raise ValueError("an audit key has 32 bytes")
        self._begun = hmac.new(
            secret, digestmod="sha256"
        )  # copied for each message: the key is set up once
        self.fingerprint = self.mac(_FINGERPRINT)[:_FINGERPRINT_BYTES].hex()
        """Tells this key from others, and nothing about what it is."""

    def mac(self, message: bytes) -> bytes:
        """What only a holder of the key can compute of `message`: 32 bytes."""
        begun = self._begun.copy()
        begun.update(message)
        return begun.digest()

    def derived(self, purpose: str) -> "AuditKey":
        """A key for something else than the audit, from which this one can't be told."""
        return AuditKey(self.mac(f"rotator:derived:{purpose}:1".encode()))

    def verifies(self, message: bytes, mac: bytes | None) -> bool:
        """Whether `mac` is that of `message`; compared in constant time."""
        return mac is not None and hmac.compare_digest(self.mac(message), mac)


class AuditKeySource(Protocol):
    """Where the audit key comes from; asked when a record is first written or verified."""

    def exists(self) -> bool:
        """Whether there is a key, fit for use or not."""
        ...

    def load(self) -> AuditKey:
        """The key.

        Raises:
            KeyUnavailable: there is none, or it can't be used.
        """
        ...

    def make(self) -> AuditKey:
        """A new key, durable when this returns; the one that another process made meanwhile.

        Raises:
            KeyUnavailable: none can be made here.
        """
        ...


class AuditKeyFile:
    """The key in a file of its own, mode 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """See `AuditKeySource`."""
        return os.path.lexists(self._path)

    def load(self) -> AuditKey:
        """See `AuditKeySource`."""
        content = read_key_file(self._path, what="audit key", missing=_RESTORE)
        return _parsed(content, where=f"The audit key {self._path}")

    def make(self) -> AuditKey:
        """See `AuditKeySource`."""
        secret = aead.new_key()
        try:
            create_private_file(self._path, base64.b64encode(secret) + b"\n")
        except FileExistsError:
            return self.load()
        except OSError as error:
            raise KeyUnavailable(
                f"No audit key can be made at {self._path}: {error.strerror}. "
                "Make its folder writable for this user, or name a key in the setting audit.key."
            ) from None
        return AuditKey(secret)


class GivenAuditKey:
    """The key in the setting `audit.key`: 32 bytes in base64."""

    def __init__(self, text: str) -> None:
        self._text = text

    def exists(self) -> bool:
        """See `AuditKeySource`."""
        return True

    def load(self) -> AuditKey:
        """See `AuditKeySource`."""
        return _parsed(self._text.encode(), where="The setting audit.key")

    def make(self) -> AuditKey:
        """See `AuditKeySource`."""
        return self.load()


def _parsed(content: bytes, *, where: str) -> AuditKey:
    try:
        return AuditKey(base64.b64decode(content.strip(), validate=True))
    except (binascii.Error, ValueError):
        # Without the cause: it would quote the key.
        raise KeyUnavailable(
            f"{where} is malformed: it is not 32 bytes in base64. {KEPT} {_RESTORE}"
        ) from None
