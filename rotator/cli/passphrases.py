"""Passphrases come from a file, standard input or a hidden prompt; never from an argument, which others could see."""

import sys
from pathlib import Path

from rotator.cli.values import STANDARD_INPUT
from rotator.errors import ConfigurationError, InvalidParameter

_LONGEST = 4096


def read_passphrase(file: Path | None, *, confirm: bool) -> str:
    """The passphrase: the content of `file` (`-`: of standard input) without the line break at its end, or asked for.

    Args:
        confirm: ask twice, where something is sealed under it.

    Raises:
        ConfigurationError: the file can't be read, or there is no terminal to ask on.
        InvalidParameter: it is empty or no text, or the two that were typed differ.
    """
    if file is not None:
        return _text(_content(file))
    if not (sys.stdin.isatty() or sys.stderr.isatty()):
        raise ConfigurationError(
            "A passphrase is needed, and there is no terminal to ask for it. Give it in a file that only you can "
            "read: --passphrase-file FILE (- for standard input)."
        )
    from getpass import getpass

    given = getpass("Passphrase (hidden): ")
    if confirm and getpass("The same again: ") != given:
        raise InvalidParameter("The two passphrases differ. Nothing was written; try again.")
    return _text(given.encode("utf-8", "surrogateescape"))


def _content(file: Path) -> bytes:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(_LONGEST + 1)
        with file.open("rb") as stream:
            return stream.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"The passphrase file {file} can't be read: {error.strerror}. Correct --passphrase-file."
        ) from None


def _text(content: bytes) -> str:
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not 0 < len(content) <= _LONGEST:
        raise InvalidParameter(f"The passphrase is empty, or longer than {_LONGEST:,} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidParameter("The passphrase is not UTF-8 text.") from None
