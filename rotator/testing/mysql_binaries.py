"""Where the program of a MySQL or MariaDB server is, and what belongs to it."""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from rotator.errors import RotatorError


class MysqlUnavailable(RotatorError):
    """No private MySQL or MariaDB server can be run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlBinaries:
    """One installation of MySQL or MariaDB.

    Attributes:
        mariadb: whose it is.
        server: `mysqld` or `mariadbd`.
        tree: the folder that its packages were unpacked into, C library included; None for an installed one, which
            knows its places.
    """

    mariadb: bool
    server: Path
    tree: Path | None = None

    @property
    def product(self) -> str:
        """The name, for messages."""
        return "MariaDB" if self.mariadb else "MySQL"

    def command(self) -> list[str]:
        """The server's command line, up to the options that every use adds."""
        if self.tree is None:
            return [str(self.server), "--no-defaults"]
        libraries = sorted({path.parent for path in self.tree.rglob("lib*.so.*")})
        return [
            str(next(self.tree.rglob("ld-linux*.so.?"))),
            "--library-path",
            ":".join(map(str, libraries)),
            str(self.server),
            "--no-defaults",
            f"--basedir={self.tree / 'usr'}",
            f"--lc-messages-dir={self.tree / 'usr/share/mysql'}",
            f"--plugin-dir={self.tree / 'usr/lib/mysql/plugin'}",
        ]

    def scripts(self) -> Path:
        """The folder of the SQL that makes MariaDB's system tables."""
        base = self.server.parent.parent
        for folder in (base / "share/mysql", base / "share/mariadb"):
            if (folder / "mysql_system_tables.sql").is_file():
                return folder
        raise MysqlUnavailable(
            f"{self.server} has no mysql_system_tables.sql beside it (in {base / 'share/mysql'}). "
            "Name a server that was installed with its scripts."
        )

    def copied_to(self, folder: Path) -> "MysqlBinaries":
        """A copy of what was unpacked."""
        if self.tree is None:
            return self
        shutil.copytree(self.tree, folder, symlinks=True)
        return replace(self, tree=folder, server=folder / self.server.relative_to(self.tree))


def installed_server(server: Path) -> MysqlBinaries:
    """The installed server whose program is `server`.

    Raises MysqlUnavailable when it can't be run.
    """
    try:
        version = subprocess.run(
            [str(server), "--no-defaults", "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        ).stdout
    except (OSError, subprocess.CalledProcessError) as failure:
        raise MysqlUnavailable(
            f"{server} is not the program of a MySQL or MariaDB server: {failure}"
        ) from failure
    return MysqlBinaries(mariadb="MariaDB" in version, server=server.resolve())
