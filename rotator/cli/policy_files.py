"""Policies come from a file or standard input; a person is told so, and not left at a silent prompt."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rotator.cli.values import STANDARD_INPUT
from rotator.errors import ConfigurationError

PolicyFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Read the policy from this file, not from standard input."),
]
_LONGEST = 20_480 * 4 + 1  # bytes of a policy at their most; the manager counts characters


def read_policy(file: Path | None) -> str:
    """The policy, from `file`, else from standard input (`-` too).

    Raises:
        ConfigurationError: there is no file on a terminal, it can't be read, or what it has is no UTF-8 text.
    """
    if file is None and sys.stdin.isatty():
        raise ConfigurationError(
            "Give the policy in a file (--file FILE) or on standard input (< FILE)."
        )
    try:
        if file is None or file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(_LONGEST)
        else:
            with file.open("rb") as stream:
                content = stream.read(_LONGEST)
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} can't be read: {error.strerror}. Correct --file."
        ) from None
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError("The policy is not UTF-8 text, and so no JSON.") from None
