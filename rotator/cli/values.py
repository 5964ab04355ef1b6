"""Secret values come from a file, standard input or a hidden prompt; never from an argument, which others could see."""

import sys
from pathlib import Path

from rotator.errors import ConfigurationError, InvalidParameter
from rotator.sdk import SecretValue

MAX_BYTES = 65_536
STANDARD_INPUT = Path("-")
"""What names standard input where a file is asked for."""


def read_value(file: Path | None, *, binary: bool) -> SecretValue:
    """The value, from `file`, else from standard input (`-` too), else (on a terminal) from a prompt that hides it.

    A single line break at the end is an editor's or `echo`'s, and is left out of a text value.

    Raises:
        ConfigurationError: the file can't be read.
        InvalidParameter: the value is empty, too large or no UTF-8 text.
    """
    if file is None and sys.stdin.isatty():
        from getpass import getpass

        return _text(getpass("Value (hidden): ").encode())
    named = None if file == STANDARD_INPUT else file
    content = sys.stdin.buffer.read(MAX_BYTES + 2) if named is None else _content(named)
    return _binary(content) if binary else _text(content)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 2)
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} can't be read: {error.strerror}. Correct --file."
        ) from None


def _binary(content: bytes) -> SecretValue:
    _check_size(content)
    return SecretValue(binary=content)


def _text(content: bytes) -> SecretValue:
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    _check_size(content)
    try:
        return SecretValue(string=content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidParameter("The value is not UTF-8 text. Store it as bytes: --binary") from None


def _check_size(content: bytes) -> None:
    if not content:
        raise InvalidParameter(
            "The value is empty. Give it on standard input (rotate secret put NAME < FILE) or with --file."
        )
    if len(content) > MAX_BYTES:
        raise InvalidParameter(
            f"The value is larger than {MAX_BYTES:,} bytes, the most that a secret holds."
        )
