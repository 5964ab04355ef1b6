"""What an import reads, more than once and never in the clear on the disk."""

import contextlib
import io
import os
import threading
from pathlib import Path

import pytest

from rotator.cli.transfer.source import CONTENT, is_sealed, opened, unlocked
from rotator.crypto.passphrase import sealing
from rotator.errors import ConfigurationError, DecryptionFailure
from tests.support.leaks import files_under, leaks

PASSPHRASE = "correct horse battery staple"
LINES = b"".join(f"line {number} hunter2\n".encode() for number in range(20_000))


def sealed(content: str = CONTENT) -> bytes:
    sink = io.BytesIO()
    sealer = sealing(sink, passphrase=PASSPHRASE, content=content, cost=2**14)
    sealer.write(LINES)
    sealer.finish()
    return sink.getvalue()


def pipe(content: bytes) -> Path:
    """The reading end of a pipe, as a shell's <(…) names it."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as end:
            end.write(content)

    threading.Thread(target=feed, daemon=True).start()
    return Path(f"/dev/fd/{reading}")


@pytest.mark.parametrize("is_file", [True, False])
@pytest.mark.parametrize("is_export", [True, False])
def test_it_is_read_twice(tmp_path: Path, *, is_file: bool, is_export: bool) -> None:
    """A file or a pipe, sealed or not: each time from the first byte to the last."""
    content = sealed() if is_export else LINES
    path = tmp_path / "given" if is_file else pipe(content)
    if is_file:
        path.write_bytes(content)
    with opened(path) as source:
        assert is_sealed(source) is is_export
        readable = unlocked(source, passphrase=PASSPHRASE) if is_export else source
        assert readable.begin().readline() == b"line 0 hunter2\n"
        for _ in range(2):
            assert readable.begin().read() == LINES


def test_a_pipe_is_kept_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to wait on the disk for its second reading can't be read there by anybody else."""
    kept: list[bytes] = []
    spools = tmp_path / "spools"
    spools.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spools))
    with opened(pipe(LINES)) as source:
        source.begin()
        for descriptor in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(descriptor.readlink()).startswith(str(spools)):
                    kept.append(descriptor.read_bytes())
    assert [len(content) > len(LINES) for content in kept] == [True]
    assert leaks(["hunter2"], {"spool": kept[0]} | files_under(spools)) == []


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    """A sealed file of another kind, another passphrase, a file that was cut off, one that isn't there."""
    path = tmp_path / "export"
    for content, passphrase in (
        (sealed("keys"), PASSPHRASE),
        (sealed(), "another passphrase"),
        (sealed()[:-1], PASSPHRASE),
        (sealed()[: 70 + 2 * (2**16 + 16)], PASSPHRASE),
    ):
        path.write_bytes(content)
        with opened(path) as source, pytest.raises(DecryptionFailure):
            unlocked(source, passphrase=passphrase).begin().read()
    for absent in (tmp_path / "absent", tmp_path):
        with pytest.raises(ConfigurationError, match="can't be read"), opened(absent):
            pass
