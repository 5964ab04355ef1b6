"""Where values come from, and what is refused as one."""

import io
import sys
from pathlib import Path

import pytest

from rotator.cli.values import MAX_BYTES, read_value
from rotator.errors import ConfigurationError, InvalidParameter
from rotator.sdk import SecretValue


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_text_loses_one_line_break(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """The line break that an editor or echo adds is not part of the value."""
    standard_input(monkeypatch, f" pä ss {end}".encode())
    assert read_value(None, binary=False) == SecretValue(string=" pä ss ")


def test_bytes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A binary value is stored as it is."""
    standard_input(monkeypatch, b"\xff\x00\n")
    assert read_value(None, binary=True) == SecretValue(binary=b"\xff\x00\n")


def test_a_file_goes_before_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--file is read even where standard input has something."""
    standard_input(monkeypatch, b"other")
    file = tmp_path / "value"
    file.write_text("from the file\n")
    assert read_value(file, binary=False) == SecretValue(string="from the file")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """--file - reads standard input, as other commands do."""
    standard_input(monkeypatch, b"piped\n")
    assert read_value(Path("-"), binary=False) == SecretValue(string="piped")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\xff", "--binary"),
        (b"x" * (MAX_BYTES + 1), "65,536 bytes"),
    ],
)
def test_what_is_no_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, content: bytes, told: str
) -> None:
    """An empty, oversized or undecodable value is refused with what to do."""
    standard_input(monkeypatch, content)
    with pytest.raises(InvalidParameter, match=told):
        read_value(None, binary=False)


def test_the_largest_value_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """65,536 bytes and a line break are a value of 65,536 bytes."""
    standard_input(monkeypatch, b"x" * MAX_BYTES + b"\n")
    assert read_value(None, binary=False).string == "x" * MAX_BYTES


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A file that can't be read is a usage error that names it."""
    with pytest.raises(ConfigurationError, match="absent"):
        read_value(tmp_path / "absent", binary=False)
