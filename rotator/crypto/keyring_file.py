"""The file of a keyring: whether it has changed, and how it is replaced, whole and by one process at a time."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from rotator.crypto.key_files import KEPT
from rotator.errors import KeyUnavailable
from rotator.files import locked_folder, replace_private_file

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that changes the keyring; it takes milliseconds."""

Stamp: TypeAlias = tuple[int, ...]
"""What tells one content of the file from another: device, inode, size, and when it or its mode changed."""


def stamp(path: Path) -> Stamp | None:
    """The stamp of the file as it is now; None where it can't be looked at."""
    try:
        return _stamp(os.stat(path))  # noqa: PTH116  # asked at every use of a key
    except OSError:
        return None


def replace(path: Path, content: bytes) -> None:
    """Puts another content in the file's place, whole and durably; to be called under its lock.

    Raises:
        KeyUnavailable: it can't be written; the file is as it was.
    """
    try:
        replace_private_file(path.resolve(), content)
    except OSError as error:
        raise KeyUnavailable(
            f"The keyring {path} can't be written: {error.strerror}. {KEPT} Make its folder writable for this user, "
            "with room on its file system."
        ) from None


@contextmanager
def locked(path: Path, *, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Keeps other processes and threads from changing the keyring meanwhile; whoever reads it does not wait.

    Raises:
        KeyUnavailable: another one keeps the lock for too long.
    """
    folder = path.resolve().parent
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(folder, timeout=timeout))
        except TimeoutError:
            raise KeyUnavailable(
                f"Another process has been changing the keyring {path} for too long. {KEPT} See which one it is "
                f"and try again: fuser -v '{folder}'"
            ) from None
        except OSError as error:
            raise KeyUnavailable(
                f"The folder of the keyring {path} can't be opened: {error.strerror}. Check the keyring's path."
            ) from None
        yield


def _stamp(status: os.stat_result) -> Stamp:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
