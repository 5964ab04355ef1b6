"""Files sealed under a passphrase: they open as they were, whole, or not at all."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.crypto.passphrase import looks_sealed, sealing, unlock
from rotator.crypto.stream import CHUNK_BYTES, StreamOpener, StreamSealer
from rotator.errors import DecryptionFailure, InvalidParameter

PASSPHRASE = "correct horse battery staple"
KEY = bytes(32)
CHEAP = 2**14
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES)
SEALED_CHUNK = CHUNK_BYTES + 16


def sealed_stream(plaintext: bytes) -> bytes:
    sink = io.BytesIO()
    sealer = StreamSealer(sink, key=KEY, bound=b"header")
    sealer.write(plaintext)
    sealer.finish()
    return sink.getvalue()


def opened_stream(sealed: bytes, *, bound: bytes = b"header") -> bytes:
    return StreamOpener(io.BytesIO(sealed), key=KEY, bound=bound).readall() or b""


def sealed_file(plaintext: bytes, *, content: str = "secrets") -> bytes:
    sink = io.BytesIO()
    sealer = sealing(sink, passphrase=PASSPHRASE, content=content, cost=CHEAP)
    sealer.write(plaintext)
    sealer.finish()
    return sink.getvalue()


def opened_file(sealed: bytes, *, passphrase: str = PASSPHRASE) -> bytes:
    source = io.BytesIO(sealed)
    return unlock(source, passphrase=passphrase, content="secrets").open(source).readall() or b""


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_opens_as_it_was(size: int) -> None:
    """Whatever its length is, at the edges of chunks above all."""
    plaintext = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert opened_stream(sealed_stream(plaintext)) == plaintext


@given(pieces=st.lists(st.binary(max_size=300)))
def test_pieces_make_one_stream(pieces: list[bytes]) -> None:
    """It doesn't matter in which pieces the plaintext comes."""
    sink = io.BytesIO()
    sealer = StreamSealer(sink, key=KEY, bound=b"header")
    for piece in pieces:
        sealer.write(piece)
    sealer.finish()
    assert opened_stream(sink.getvalue()) == b"".join(pieces)


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_was_cut_off_is_refused(size: int) -> None:
    """At the edge of a chunk too, and where nothing is left at all."""
    sealed = sealed_stream(bytes(size))
    ends = {0, 1, len(sealed) - 1, *range(0, len(sealed), SEALED_CHUNK)} - {len(sealed)}
    for end in ends:
        with pytest.raises(DecryptionFailure):
            opened_stream(sealed[:end])


def test_chunks_in_another_order_are_refused() -> None:
    """Each chunk is bound to its place, and nothing follows the last one."""
    sealed = sealed_stream(bytes(3 * CHUNK_BYTES))
    first, second = sealed[:SEALED_CHUNK], sealed[SEALED_CHUNK : 2 * SEALED_CHUNK]
    for altered in (
        second + first + sealed[2 * SEALED_CHUNK :],
        first + first + sealed[2 * SEALED_CHUNK :],
        sealed + first,
        sealed + b"x",
    ):
        with pytest.raises(DecryptionFailure):
            opened_stream(altered)


@given(data=st.data())
def test_no_altered_byte_passes(data: st.DataObject) -> None:
    """One other bit anywhere in a file is found."""
    sealed = bytearray(_FILE)
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DecryptionFailure):
        opened_file(bytes(sealed))


_FILE = sealed_file(b"the plaintext")


def test_a_file_opens_with_its_passphrase_alone() -> None:
    """Another passphrase opens nothing, and what was sealed can't be seen in the file."""
    assert opened_file(_FILE) == b"the plaintext"
    assert looks_sealed(_FILE)
    assert b"plaintext" not in _FILE
    with pytest.raises(DecryptionFailure):
        opened_file(_FILE, passphrase="correct horse battery stable")


def test_the_same_content_never_looks_the_same() -> None:
    """Each file has a salt, and so a key, of its own."""
    assert sealed_file(b"the plaintext") != _FILE


def test_a_file_is_opened_as_what_it_is() -> None:
    """An export of keys is no export of secrets."""
    with pytest.raises(DecryptionFailure, match="doesn't hold secrets"):
        opened_file(sealed_file(b"", content="keys"))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"rotator":"secrets"}\n',
        _FILE.replace(b'"n":16384', b'"n":1073741824'),
        _FILE.replace(b'"n":16384', b'"n":1.5'),
        _FILE.replace(b'"n":16384', b'"n":16384.0'),
        _FILE.replace(b'"n":16384', b'"n":16385'),
        _FILE.replace(b'"r":8', b'"r":9'),
        _FILE.replace(b'"salt":"', b'"salt":"\xc3\xa4'),
    ],
)
def test_a_strange_header_is_refused(header: bytes) -> None:
    """A file can't make whoever opens it use up the memory of the machine."""
    with pytest.raises(DecryptionFailure):
        opened_file(header)


def test_a_short_passphrase_is_refused() -> None:
    """Nothing is written under a passphrase that can be tried out."""
    sink = io.BytesIO()
    with pytest.raises(InvalidParameter, match="fewer than 8"):
        sealing(sink, passphrase="seven77", content="secrets")
    assert sink.getvalue() == b""
