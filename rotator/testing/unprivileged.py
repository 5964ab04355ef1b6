"""The account that a server runs as when the caller is root, and files that it can reach.

PostgreSQL and others refuse to run as root; an ordinary user simply runs them as itself.
"""

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from rotator.errors import RotatorError

_ACCOUNT_NAME = "nobody"


class AccountUnavailable(RotatorError):
    """Root has no unprivileged account, or no folder that such an account can reach."""


class ProcessOptions(TypedDict):
    """The arguments of `subprocess.Popen` that make a process another account's."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the system without privileges."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The account `nobody` when this process is root's; None when it is an ordinary user's."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_ACCOUNT_NAME)
    except KeyError as missing:
        raise AccountUnavailable(
            f"The server can't run as root, and there is no account '{_ACCOUNT_NAME}' to run it "
            "as. Run this as an ordinary user instead."
        ) from missing
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def process_options(account: Account | None) -> ProcessOptions:
    """What `subprocess` needs to start a process as `account`, without root's further groups."""
    if account is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def base_directory(account: Account | None) -> Path:
    """A folder for temporary files in which `account` can reach what belongs to it."""
    preferred = Path(tempfile.gettempdir())
    if account is None:
        return preferred
    for candidate in (preferred, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 (mkdtemp makes a private folder in it)
        if candidate.is_dir() and _open_to_others(candidate):
            return candidate
    raise AccountUnavailable(
        f"The account '{account.name}', as which the server runs, can enter neither {preferred} "
        "nor /tmp nor /var/tmp. Set TMPDIR to a folder that everybody may enter, or run this as an "
        "ordinary user."
    )


def give(path: Path, account: Account | None) -> None:
    """Make `path`, and everything in it, the account's own."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid, follow_symlinks=False)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)


def _open_to_others(path: Path) -> bool:
    resolved = path.resolve()
    return all(p.stat().st_mode & stat.S_IXOTH for p in (resolved, *resolved.parents))
