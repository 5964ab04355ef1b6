"""Files sealed under a passphrase: exports of secrets and of keys.

A file is one line of JSON, which says what it is and how its key is derived, and a sealed stream that is bound to this
line. The key comes from the passphrase by scrypt (RFC 7914) with a salt of its own.
"""

import base64
import json
import os
from dataclasses import dataclass, field
from operator import index
from typing import BinaryIO, Self

from rotator.crypto import aead
from rotator.crypto.stream import StreamOpener, StreamSealer
from rotator.errors import DecryptionFailure, InvalidParameter

SHORTEST = 8
"""Characters of a passphrase: NIST SP 800-63B, 3.1.1.2."""

_SALT_BYTES = 32
_BLOCK_SIZE = 8
_PARALLEL = 1
_COST = 2**17  # 128 MiB and about half a second: OWASP's Password Storage Cheat Sheet
_COSTS = frozenset(2**power for power in range(14, 21))  # what a file may ask of whoever opens it
_LONGEST_HEADER = 1024
_PREFIX = b'{"rotator":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """A file's key, derived once; the file can be read with it more than once.

    Attributes:
        header: the file's first line.
    """

    header: bytes
    _key: bytes = field(repr=False)

    def open(self, source: BinaryIO) -> StreamOpener:
        """The plaintext of what follows the header in `source`."""
        return StreamOpener(source, key=self._key, bound=self.header)


def sealing(sink: BinaryIO, *, passphrase: str, content: str, cost: int = _COST) -> StreamSealer:
    """Begins a file in `sink`; its end is written by `finish`.

    Args:
        content: what the file holds, such as `secrets`; it can't be opened as anything else.
        cost: scrypt's N.

    Raises:
        InvalidParameter: the passphrase is too short.
    """
    if len(passphrase) < SHORTEST:
        raise InvalidParameter(
            f"The passphrase has fewer than {SHORTEST} characters. Whoever gets hold of the file can try out short "
            "ones: choose a longer one, such as several words."
        )
    parameters = _Parameters(content=content, salt=os.urandom(_SALT_BYTES), cost=cost)
    header = parameters.encode()
    sink.write(header)
    return StreamSealer(sink, key=parameters.derive(passphrase), bound=header)


def unlock(source: BinaryIO, *, passphrase: str, content: str) -> Unlocked:
    """Reads the header of a file, up to where its sealed stream begins, and derives the key.

    Whether the passphrase is right shows when the stream is read.

    Raises:
        DecryptionFailure: it is no such file, or holds something else.
    """
    header = source.readline(_LONGEST_HEADER)
    parameters = _Parameters.decode(header, content=content)
    return Unlocked(header=header, _key=parameters.derive(passphrase))


def looks_sealed(beginning: bytes) -> bool:
    """Whether a file that begins like this is one of these."""
    return beginning.startswith(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameters:
    content: str
    salt: bytes
    cost: int

    def encode(self) -> bytes:
        salt = base64.b64encode(self.salt).decode("ascii")
        fields = {"rotator": self.content, "format": 1, "kdf": "scrypt", "n": self.cost}
        fields |= {"r": _BLOCK_SIZE, "p": _PARALLEL, "salt": salt}
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def decode(cls, header: bytes, *, content: str) -> Self:
        try:
            fields = json.loads(header)
            found = cls(
                content=fields["rotator"],
                salt=base64.b64decode(fields["salt"]),
                cost=index(fields["n"]),
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DecryptionFailure(
                "This is no file that rotator has sealed, or its beginning was damaged."
            ) from None
        if found.content != content:
            raise DecryptionFailure(
                f"This sealed file doesn't hold {content} but something else ({found.content!s:.40})."
            )
        if found.cost not in _COSTS or found.encode() != header:
            raise DecryptionFailure(
                "This sealed file was made by a later release of rotator, or its beginning was damaged."
            )
        return found

    def derive(self, passphrase: str) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        scrypt = Scrypt(
            salt=self.salt, length=aead.KEY_BYTES, n=self.cost, r=_BLOCK_SIZE, p=_PARALLEL
        )
        return scrypt.derive(passphrase.encode("utf-8", "surrogateescape"))
