"""One daemon at a time works on a SQLite store; on PostgreSQL any number does."""

import fcntl
import os
from pathlib import Path

from rotator.errors import StoreUnavailable

_SUFFIX = ".daemon"


class Turn:
    """The right to work on a store, which ends with the process.

    Args:
        database: the SQLite file; None where daemons share the store.
    """

    def __init__(self, database: Path | None) -> None:
        # A file of its own: closing the database's would end SQLite's locks on it.
        self._path = None if database is None else database.with_name(database.name + _SUFFIX)
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether this process may work now; it keeps the right then.

        Raises:
            StoreUnavailable: the file that says so can't be opened.
        """
        if self._path is None or self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"The file {self._path}, which keeps two daemons off one SQLite store, can't be opened: "
                f"{error.strerror}. Make its folder writable for this user."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def give_back(self) -> None:
        """Lets another daemon work."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
