"""Asking the person at the terminal before something can't be undone."""

import sys

from rotator.errors import ConfigurationError


def can_ask() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> None:
    """Nothing, where the answer is yes.

    Raises:
        ConfigurationError: it is anything else; nothing was done.
    """
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise ConfigurationError("Nothing was done.")
