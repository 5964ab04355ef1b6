"""Files that their owner alone may read, and that are on the disk when they are made."""

import os
import stat
import tempfile
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permission bits of everybody but the owner."""


def create_private_file(path: Path, content: bytes) -> None:
    """Makes a file of mode 0600, and its folder (0700) where it is missing.

    It appears whole or not at all, never in place of another, and is durable when this returns.

    Raises:
        FileExistsError: there is such a file already; it is left as it was.
        OSError: it can't be made.
    """
    make_private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink()
    sync_folder(path.parent)


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
