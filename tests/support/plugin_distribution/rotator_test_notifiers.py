"""Notifiers of another distribution: one that works, and one that doesn't."""

from pathlib import Path

from rotator.sdk import Misconfigured, Notice


class Noting:
    """Writes each notice into a file."""

    def __init__(self, *, file: str, token: str) -> None:
        if len(token) < 8:
            raise Misconfigured("the option token has to have 8 characters")
        self._file = Path(file)

    def notify(self, notice: Notice, *, deadline: float) -> None:
        self._file.write_bytes(notice.to_json())


class Deaf:
    """Lacks the one thing that a notifier has."""
