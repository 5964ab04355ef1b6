"""Files that their owner alone may read, and that are on the disk when they are made."""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permission bits of everybody but the owner."""

_LOCK_POLL = 0.01


def create_private_file(path: Path, content: bytes) -> None:
    """Makes a file of mode 0600, and its folder (0700) where it is missing.

    It appears whole or not at all, never in place of another, and is durable when this returns.

    Raises:
        FileExistsError: there is such a file already; it is left as it was.
        OSError: it can't be made.
    """
    make_private_folder(path.parent)
    with new_private_file(path) as file:
        file.write(content)


@contextmanager
def new_private_file(path: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 that is not there until the block has ended well: then it appears whole, and durably.

    It never takes the place of another one. Where the system can keep it without a name until then (Linux), nothing
    is left of it after a crash either.

    Raises:
        FileExistsError: there is such a file already, or is by then; it is left as it was.
        OSError: it can't be made.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    descriptor, name = _nameless(path) or _hidden(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _name(name or f"/proc/self/fd/{file.fileno()}", path)
    finally:
        if name is not None:
            Path(name).unlink()
    sync_folder(path.parent)


def replace_private_file(path: Path, content: bytes) -> None:
    """Puts a file of mode 0600 in the place of another: whole or not at all, and durable when this returns.

    Its owner stays the same. A run that was killed may leave a file beside it that the next one removes, so the caller
    makes sure that no other does so at the same time.

    Raises:
        OSError: it can't be written; the file is as it was.
    """
    owner = path.stat()
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    try:
        with new_private_file(beside) as file:
            if owner.st_uid != os.geteuid():  # root changes what another user runs with
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def locked_folder(folder: Path, *, timeout: float) -> Iterator[None]:
    """Keeps other processes and threads that ask for the same from changing what is in a folder; readers don't wait.

    The lock is the folder's: a lock of a file itself would go with it when it is replaced.

    Args:
        timeout: seconds to wait for another one.

    Raises:
        TimeoutError: another one keeps the lock for too long.
        OSError: the folder can't be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + timeout
        while not _locks(descriptor):
            if time.monotonic() >= until:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(folder))
            time.sleep(_LOCK_POLL)
        yield
    finally:
        os.close(descriptor)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _nameless(path: Path) -> tuple[int, str | None] | None:
    """A file that has no name yet; None where the system has no such thing."""
    try:
        flags: int = os.O_TMPFILE
        return os.open(path.parent, flags | os.O_WRONLY, 0o600), None
    except AttributeError:
        return None
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT}:
            return None
        raise


def _hidden(path: Path) -> tuple[int, str | None]:
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600


def _name(source: str, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # With a folder, or else Python takes a system call that doesn't follow the link in /proc.
        os.link(source, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


def make_private_folder(path: Path) -> None:
    """Makes a folder of mode 0700, and those above it, durably; one that exists is left as it is.

    Raises:
        OSError: it can't be made.
    """
    if path.is_dir():
        return
    make_private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable; a file's own fsync doesn't cover its name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
