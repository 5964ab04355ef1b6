"""Files with keys in them: read only where nobody else could have read or replaced them."""

import os
import stat
from pathlib import Path

from rotator.errors import KeyUnavailable
from rotator.files import OTHERS

KEPT = "Nothing was changed."
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_key_file(path: Path, *, what: str, missing: str) -> bytes:
    """What is in a file that its owner alone may read, in a folder that nobody else may write.

    Args:
        what: the file's role, as messages name it: `keyring`.
        missing: what to do where there is no such file.

    Raises:
        KeyUnavailable: it is missing, can't be read, is no file, or is not private.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            # What is checked is the file that was opened, whatever its name leads to by now.
            _check_file(os.fstat(file.fileno()), path=path, what=what)
            for folder in {path.parent, path.resolve().parent}:
                _check_folder(folder, what=what)
            return file.read()
    except FileNotFoundError:
        raise KeyUnavailable(f"There is no {what} at {path}. {missing}") from None
    except OSError as error:
        raise KeyUnavailable(
            f"The {what} {path} can't be read: {error.strerror}. "
            "Check its path, and run rotate as the user who owns it."
        ) from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would wait for its writer


def _check_file(status: os.stat_result, *, path: Path, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyUnavailable(f"The {what} {path} is not a file. Check its path. {KEPT}")
    if status.st_mode & OTHERS:
        raise KeyUnavailable(
            f"Others on this machine may read the {what} {path} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}), so it is not used. {KEPT} "
            f"Make it private: chmod 600 '{path}'"
        )


def _check_folder(folder: Path, *, what: str) -> None:
    mode = folder.stat().st_mode
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        raise KeyUnavailable(
            f"Others on this machine may replace the {what} in {folder} (mode "
            f"{stat.S_IMODE(mode):04o}), so it is not used. {KEPT} "
            f"Make the folder yours alone to write: chmod go-w '{folder}'"
        )
