"""The embedded store: one SQLite file in WAL mode, on one machine."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from rotator.errors import ConfigurationError, StoreUnavailable
from rotator.files import OTHERS, create_private_file
from rotator.store.statements import Prepared

_PAUSE = 0.01  # seconds between two tries to switch a new file

CONNECTIONS = 32
"""How many transactions there may be at once."""

_CACHE = 8192
"""Kilobytes of a connection's page cache, at most: a page of a list looks at a thousand pages here and there."""

# sqlite3's own transaction control begins only before a change, so that a read would see several states of the store.
BEGIN = Prepared.plain("BEGIN")
"""Begins a transaction that only reads."""

BEGIN_IMMEDIATE = Prepared.plain("BEGIN IMMEDIATE")
"""Begins one that may write: it takes the write lock at once.

One that turned from reading to writing half-way could be refused without any waiting
(`SQLITE_BUSY_SNAPSHOT`, https://sqlite.org/rescode.html#busy_snapshot).
"""


def connect(url: URL, *, create: bool, lock_timeout: float) -> Engine:
    """An engine whose every connection is durable: WAL with `synchronous=FULL`.

    Source: https://sqlite.org/pragma.html#pragma_synchronous.

    Args:
        url: with the path of the file.
        create: make the file (mode 0600) and its folder (0700) where they are missing.
        lock_timeout: seconds to wait for another process's write lock.

    Raises:
        ConfigurationError: the URL names no file.
        StoreUnavailable: the file is missing, can't be made, or others may read it.
    """
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "The store's URL names no file. Give its path: sqlite:////var/lib/rotator/store.db"
        )
    _check_file(Path(url.database), create=create)
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": lock_timeout, "isolation_level": None},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=lock_timeout,
        pool_use_lifo=True,
    )

    def make_durable(connection: Any, _record: object) -> None:
        _switch_to_wal(connection, patience=lock_timeout)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")

    event.listen(engine, "connect", make_durable)
    return engine


def _check_file(path: Path, *, create: bool) -> None:
    try:
        if create and not path.exists():
            _create_file(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StoreUnavailable(f"There is no store at {path}. Make one: rotate init") from None
    except OSError as error:
        raise StoreUnavailable(
            f"The store {path} can't be opened: {error.strerror}. "
            "Check its path, and that this user may use its folder."
        ) from None
    if mode & OTHERS:
        raise StoreUnavailable(
            f"Others on this machine may read the store {path} (mode {mode & 0o777:04o}), so it "
            f"is not used. Make it private: chmod 600 '{path}'"
        )


def _create_file(path: Path) -> None:
    try:
        create_private_file(path, b"")  # to SQLite an empty file is an empty database
    except FileExistsError:
        return  # another process was faster


def _switch_to_wal(connection: Any, *, patience: float) -> None:
    # Of several who switch a new file at once some are refused without the wait that their timeout asks for.
    end = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_PAUSE)
        else:
            return


_LOCKED = "Another process locked it and did not release it in time. To see which: fuser '{path}'"
_READ_ONLY = (
    "It can't be written. Make the file, its folder and their file system writable for this user."
)
_DAMAGED = (
    "SQLite finds it damaged. Restore it from a backup; "
    "sqlite3 '{path}' .recover prints what can still be read."
)
_MEANINGS = {
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: "It was moved to another database. Start anew: it says where.",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "It can't be opened. Check that this user may use its folder.",
    sqlite3.SQLITE_FULL: "There is no room left. Free space on its file system, then try again.",
    sqlite3.SQLITE_IOERR: "Reading or writing failed. Check its disk, and the space left there.",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "It is no SQLite database. Check the path in the store's URL.",
}


def explain(error: DBAPIError, *, path: str) -> str | None:
    """What an error means for the store and what to do; None where the store is not to blame."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF  # of an extended result code: https://sqlite.org/rescode.html
    meaning = _MEANINGS.get(code) or _MEANINGS.get(primary)
    return meaning and f"{meaning.format(path=path)} ({error.orig})"
