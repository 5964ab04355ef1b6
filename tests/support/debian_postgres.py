"""A PostgreSQL with TLS from Debian's packages, which the wheel's builds lack.

Where Debian's packages are installed they are used as they are. Elsewhere the package of the
machine's own suite is fetched through the machine's own apt settings and unpacked into a cache
folder: nothing is installed, so it needs no root and changes no system file.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from rotator.testing.postgres_binaries import (
    PostgresBinaries,
    PostgresUnavailable,
    installed_binaries,
)
from tests.support.debian_packages import Apt, PackagesUnavailable, run, unpacked

BIN_DIR_VARIABLE = "ROTATOR_TEST_POSTGRES_TLS_BIN"
"""Names the bin directory of a PostgreSQL that was built with TLS."""

FORCE_VARIABLE = "ROTATOR_TEST_POSTGRES_TLS_EXTRACT"
"""Set to anything: take the unpacked packages even where PostgreSQL is installed."""

_SYSTEM_ROOT = Path("/usr/lib/postgresql")
_ONLY_DEPENDS = (
    "--recurse",
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
)
_HOW_TO_SUPPLY = (
    "The TLS tests need a PostgreSQL that was built with TLS. Install one (Debian: apt-get install "
    f"postgresql), or set {BIN_DIR_VARIABLE} to the directory of its initdb and postgres."
)


def tls_binaries(environment: Mapping[str, str] = os.environ) -> PostgresBinaries:
    """The TLS-capable server to test with; PostgresUnavailable says how to supply one."""
    if named := environment.get(BIN_DIR_VARIABLE):
        return installed_binaries(Path(named))
    installed = newest_installed(_SYSTEM_ROOT)
    if installed is not None and FORCE_VARIABLE not in environment:
        return installed_binaries(installed)
    try:
        return extracted_binaries()
    except PackagesUnavailable as failure:
        raise PostgresUnavailable(
            f"{_HOW_TO_SUPPLY} Fetching Debian's package for the tests failed: {failure}"
        ) from failure


def newest_installed(root: Path) -> Path | None:
    """The bin directory of the highest major version under Debian's `root`."""
    found = [path for path in root.glob("*/bin") if (path / "postgres").is_file()]
    return max(found, key=lambda path: float(path.parent.name), default=None)


def extracted_binaries() -> PostgresBinaries:
    """The suite's PostgreSQL, unpacked in the tests' cache."""
    root = unpacked("postgresql", _fill)
    bin_dir = newest_installed(root / "usr/lib/postgresql")
    if bin_dir is None:
        raise PostgresUnavailable(f"{_HOW_TO_SUPPLY} Debian's package in {root} has no server.")
    libraries = sorted({path.parent for path in (root / "usr/lib").glob("*-linux-*/*.so*")})
    return PostgresBinaries(
        root=root,
        bin_dir=PurePosixPath(bin_dir.relative_to(root)),
        trees=(PurePosixPath("usr"),),
        library_dirs=tuple(PurePosixPath(path.relative_to(root)) for path in libraries),
    )


def _fill(work: Path, root: Path) -> None:
    """Fetch the server's package and the libraries that this machine lacks; unpack all of it."""
    apt = Apt(work)
    package = _server_package(apt.run("apt-cache", "depends", "postgresql"))
    needed = apt.run("apt-cache", "depends", *_ONLY_DEPENDS, package)
    installed = set(run(["dpkg-query", "--show", "--showformat=${Package}\\n"], work).split())
    apt.download(package, *sorted(set(_libraries(needed)) - installed))
    apt.unpack(root)
    # Compiled queries would need LLVM, a library larger than all the rest together.
    for compiled_queries in (root / "usr/lib/postgresql").glob("*/lib/llvmjit*.so"):
        compiled_queries.unlink()


def _server_package(depends: str) -> str:
    match = re.search(r"Depends: (postgresql-\d+)$", depends, re.MULTILINE)
    if match is None:
        raise PostgresUnavailable(f"{_HOW_TO_SUPPLY} apt knows no package postgresql here.")
    return match[1]


def _libraries(depends: str) -> list[str]:
    """The shared libraries among what `apt-cache depends --recurse` printed."""
    names = re.findall(r"Depends: (lib[^\s:]+)", depends)
    return [name for name in names if not name.startswith("libllvm")]
