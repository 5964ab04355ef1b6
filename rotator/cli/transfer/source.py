"""What an import reads, from its beginning as often as it likes, and never in the clear on the disk."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from rotator.cli.values import STANDARD_INPUT
from rotator.crypto import aead
from rotator.crypto.passphrase import Unlocked, looks_sealed, unlock
from rotator.crypto.stream import StreamOpener, StreamSealer
from rotator.errors import ConfigurationError

CONTENT = "secrets"
"""What a sealed export says that it holds."""

_LOOK = 16  # bytes that tell a sealed file


class Source(Protocol):
    """Bytes that can be read more than once."""

    def begin(self) -> io.BufferedReader:
        """The bytes from the first one on. One reader at a time."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """A file or, as `-`, standard input. What can't be read twice is kept sealed meanwhile, under a key in memory.

    Raises:
        ConfigurationError: it can't be read.
    """
    with _stream(path) as stream:
        if stream.seekable():
            yield _File(stream=stream, start=stream.tell())
        else:
            with tempfile.TemporaryFile() as spool:
                yield _Spool.filled(spool, stream)


def unlocked(source: Source, *, passphrase: str) -> Source:
    """The content of a sealed source.

    Raises:
        DecryptionFailure: it is no export of secrets.
    """
    return _Sealed(source, unlock(source.begin(), passphrase=passphrase, content=CONTENT))


def is_sealed(source: Source) -> bool:
    """Whether the source is an export that needs its passphrase."""
    return looks_sealed(source.begin().peek(_LOOK))


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        with path.open("rb") as stream:
            stream.peek()  # a folder shows itself when it is read
            yield stream
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} can't be read: {error.strerror}. Correct its name or its permissions."
        ) from None


@dataclass(frozen=True, slots=True)
class _File:
    stream: BinaryIO
    start: int

    def begin(self) -> io.BufferedReader:
        self.stream.seek(self.start)
        return cast("io.BufferedReader", self.stream)


@dataclass(frozen=True, slots=True)
class _Spool:
    file: BinaryIO
    key: bytes = field(repr=False)

    @classmethod
    def filled(cls, file: BinaryIO, stream: BinaryIO) -> "_Spool":
        key = aead.new_key()
        sealer = StreamSealer(file, key=key, bound=b"")
        while piece := stream.read(io.DEFAULT_BUFFER_SIZE):
            sealer.write(piece)
        sealer.finish()
        return cls(file, key)

    def begin(self) -> io.BufferedReader:
        self.file.seek(0)
        return io.BufferedReader(StreamOpener(self.file, key=self.key, bound=b""))


@dataclass(frozen=True, slots=True)
class _Sealed:
    source: Source
    lock: Unlocked

    def begin(self) -> io.BufferedReader:
        sealed = self.source.begin()
        sealed.readline(len(self.lock.header))
        return io.BufferedReader(self.lock.open(sealed))
