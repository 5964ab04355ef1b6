"""Whether other users of the machine could read or change a file that rotator relies on."""

import os
import stat
from pathlib import Path

from rotator.errors import ConfigurationError

_CHANGED_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_READ_BY_OTHERS = stat.S_IROTH  # a group may read: that is how container platforms hand out secrets


def check_unchangeable(path: Path) -> None:
    """Refuses a file that another user may change, who could then decide where secrets go.

    Raises:
        ConfigurationError: with the command that mends it.
        OSError: the file can't be looked at.
    """
    _check(path, forbidden=_CHANGED_BY_OTHERS, meaning="other users may change it")


def check_private(path: Path) -> None:
    """Refuses a file that another user may read or change.

    Raises:
        ConfigurationError: with the command that mends it.
        OSError: the file can't be looked at.
    """
    _check(
        path,
        forbidden=_CHANGED_BY_OTHERS | _READ_BY_OTHERS,
        meaning="other users may read or change it",
    )


def _check(path: Path, *, forbidden: int, meaning: str) -> None:
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"{path} belongs to another user (id {found.st_uid}), who may change it. "
            f"Make it yours: chown {os.geteuid()} {path}"
        )
    if stat.S_IMODE(found.st_mode) & forbidden:
        raise ConfigurationError(
            f"{path} is not safe: {meaning} (mode {stat.S_IMODE(found.st_mode):04o}). "
            f"Mend it: chmod 600 {path}"
        )
