"""Sealing of what is too long for one piece: chunks that can be neither altered, reordered nor cut off.

The STREAM construction over AES-256-GCM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015), as age has it: the nonce of a chunk is its number and whether it is the last one.
A key therefore seals one stream only.
"""

import io
from typing import TYPE_CHECKING, BinaryIO

from rotator.crypto import aead
from rotator.errors import DecryptionFailure

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_COUNTER_BYTES = aead.NONCE_BYTES - 1


class StreamSealer:
    """Writes a sealed stream. Without `finish` it has no end, and whoever opens it is told so."""

    def __init__(self, sink: BinaryIO, *, key: bytes, bound: bytes) -> None:
        self._sink = sink
        self._chunks = _Chunks(key, bound=bound)
        self._held = bytearray()

    def write(self, plaintext: bytes) -> None:
        """Seals further bytes; a part of them is held back until the chunk is full."""
        self._held += plaintext
        while len(self._held) > CHUNK_BYTES:  # one is always kept: the last one is marked as such
            self._sink.write(self._chunks.seal(bytes(self._held[:CHUNK_BYTES]), last=False))
            del self._held[:CHUNK_BYTES]

    def finish(self) -> None:
        """Writes the authenticated end."""
        self._sink.write(self._chunks.seal(bytes(self._held), last=True))


class StreamOpener(io.RawIOBase):
    """Reads a sealed stream.

    Every byte that it gives is authentic; that the stream is complete is known when its end is reached.
    """

    def __init__(self, source: BinaryIO, *, key: bytes, bound: bytes) -> None:
        self._source = source
        self._chunks = _Chunks(key, bound=bound)
        self._next = self._read_chunk()
        self._opened = b""

    def readable(self) -> bool:  # noqa: D102  # io's
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fills `buffer`, as `io.RawIOBase` says.

        Raises:
            DecryptionFailure: the stream was altered or cut off, or the key is another one.
        """
        view = memoryview(buffer)
        if not self._opened:
            self._opened = self._open_next()
        taken = self._opened[: len(view)]
        self._opened = self._opened[len(taken) :]
        view[: len(taken)] = taken
        return len(taken)

    def _open_next(self) -> bytes:
        """The next chunk's plaintext, empty at the end."""
        chunk, self._next = self._next, self._read_chunk() if self._next else b""
        if not chunk and self._chunks.ended:
            return b""
        return self._chunks.open(chunk, last=not self._next)

    def _read_chunk(self) -> bytes:
        read = bytearray()
        while missing := CHUNK_BYTES + _TAG_BYTES - len(read):  # a pipe gives what it has
            more = self._source.read(missing)
            if not more:
                break
            read += more
        return bytes(read)


class _Chunks:
    """Seals or opens the chunks of one stream, in their order."""

    def __init__(self, key: bytes, *, bound: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher: AESGCM = AESGCM(key)
        self._bound = bound
        self._number = 0
        self.ended = False

    def seal(self, plaintext: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), plaintext, self._bound)

    def open(self, chunk: bytes, *, last: bool) -> bytes:
        from cryptography.exceptions import InvalidTag

        nonce = self._nonce(last=last)
        try:
            return self._cipher.decrypt(nonce, chunk, self._bound)
        except (InvalidTag, ValueError):
            raise DecryptionFailure(
                "the sealed stream was altered or cut off, or its key is another one"
            ) from None

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._number.to_bytes(_COUNTER_BYTES, "big") + bytes([last])
        self._number += 1
        self.ended = last
        return nonce
