"""Who could change a program that is about to be given secrets."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from rotator.sdk import Misconfigured

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS = 40  # as many as Linux follows


def check(arguments: Iterable[str]) -> None:
    """Refuses a program that another user may change; so with each argument that is the path of a file (a script).

    The file, the folders above it and the links on the way have to belong to root or to this process's user, and group
    and others must not be able to write to them. In a folder with the sticky bit only its owner replaces a file.

    Raises:
        Misconfigured: with the command that mends it.
    """
    program, *more = arguments
    if not Path(program).is_file():
        raise Misconfigured(
            f"there is no program {program}", hint="correct argv in the configuration"
        )
    for path in (program, *more):
        if path.startswith("/") and Path(path).is_file():
            _check(Path(path), links=_MOST_LINKS)


def _check(path: Path, *, links: int) -> None:
    for part in (*reversed(path.parents), path):
        found = part.lstat()
        if found.st_uid not in {0, os.geteuid()}:
            raise Misconfigured(
                f"{part} belongs to another user (id {found.st_uid}), who may change it",
                hint=f"chown -h root {part}",
            )
        if stat.S_ISLNK(found.st_mode):
            if not links:
                raise Misconfigured(f"{part} leads through too many links")
            _check(part.parent / part.readlink(), links=links - 1)
            continue
        is_folder = stat.S_ISDIR(found.st_mode)
        sticky = is_folder and found.st_mode & stat.S_ISVTX  # on a file it protects nothing
        if found.st_mode & _BY_OTHERS and not sticky:
            what = "replaced" if is_folder else "changed"
            raise Misconfigured(
                f"{path} may be {what} by other users: the mode of {part} is {stat.S_IMODE(found.st_mode):04o}",
                hint=f"chmod go-w {part}",
            )
