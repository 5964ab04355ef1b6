"""Whose turn it is to write, among the processes that use one SQLite file.

SQLite's own waiting looks again after ever longer pauses, up to a tenth of a second, and whoever asks at the right
moment goes first: of two busy processes one may be kept out for a second. This is a courtesy on top of it. What keeps
writers apart is SQLite's lock, also where a process takes no turn, or goes on without it.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 0.5
"""Seconds to wait for the turn, at most: who is frozen with it must not stop everybody."""

_PAUSE: Final = 0.001  # seconds between two looks
_DISTRUST: Final = 30.0  # seconds for which nobody is waited for, after one was waited for in vain
_NAMES: Final = ("-next", "-turn")


class _File:
    """A file to lock, open for as long as somebody has this."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )

    def lock(self, *, until: float) -> bool:
        """Whether it could be locked by then, by `time.monotonic`."""
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(_PAUSE)
            else:
                return True

    def unlock(self) -> None:
        """Lets others lock it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


class ProcessTurn:
    """One process at a time, in turns. Only one thread of a process may ask at a time.

    Who wants the turn takes the place next to it first, and leaves that once it has the turn: so nobody takes the turn
    again and again past those who wait. Both are locks on files, which the system releases when a process ends.

    Args:
        path: of the database; the files lie beside it.
        patience: seconds to wait at most.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._files: tuple[_File, _File] | None = None
        self._is_missing = False
        self._held: _File | None = None
        self._trusts_from = 0.0

    def take(self) -> bool:
        """Whether the turn was had; who doesn't get it in time has to rely on the database alone."""
        files = self._opened()
        if files is None:
            return False
        place, turn = files
        now = time.monotonic()
        until = now + self._patience if now >= self._trusts_from else now
        if place.lock(until=until):
            try:
                if turn.lock(until=until):
                    self._held = turn
            finally:
                place.unlock()
        if self._held is None and until > now:
            self._trusts_from = until + _DISTRUST
        return self._held is not None

    def give_up(self) -> None:
        """Ends the turn, where it was had."""
        held, self._held = self._held, None
        if held is not None:
            held.unlock()

    def close(self) -> None:
        """Closes the files, once nobody uses them; they are opened again when they are needed."""
        self._files = None

    def _opened(self) -> tuple[_File, _File] | None:
        if self._files is None and not self._is_missing:
            try:
                place, turn = (_File(f"{self._path}{name}") for name in _NAMES)
            except OSError:  # as in a folder that can't be written
                self._is_missing = True
            else:
                self._files = (place, turn)
        return self._files
