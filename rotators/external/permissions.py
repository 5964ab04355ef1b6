"""Who could change a program that is about to be given secrets."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from rotator.sdk import Misconfigured

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check(arguments: Iterable[str]) -> None:
    """Refuses a program that another user may change; so with each argument that is the path of a file (a script).

    A file has to belong to root or to this process's user and must not be writable for group or others; no other user
    may be able to put another one in its place.

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
            _check_file(Path(path).resolve())


def _check_file(path: Path) -> None:
    found = path.stat()
    if found.st_uid not in {0, os.geteuid()}:
        raise Misconfigured(
            f"{path} belongs to another user (id {found.st_uid}), who may change it",
            hint=f"chown root {path}",
        )
    if stat.S_IMODE(found.st_mode) & _BY_OTHERS:
        raise Misconfigured(
            f"{path} may be changed by other users (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod go-w {path}",
        )
    for folder in path.parents:
        _check_folder(folder, path)


def _check_folder(folder: Path, path: Path) -> None:
    found = folder.stat()
    sticky = found.st_mode & stat.S_ISVTX  # there only its owner replaces a file
    anybody = found.st_mode & stat.S_IWOTH and not sticky
    if anybody or found.st_uid not in {0, os.geteuid()}:
        raise Misconfigured(
            f"other users may put another file in the place of {path}: they may change the folder {folder}",
            hint=f"move it to a folder of root's or of your own, or: chmod o-w {folder}",
        )
