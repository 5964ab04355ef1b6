"""Real MySQL and MariaDB servers for the tests, from Debian's packages where none is installed.

MariaDB is the machine's own suite's. MySQL is in Debian's `sid` only, so it comes with the C library that it was built
for, and runs through that library's loader.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rotator.testing.mysql_binaries import MysqlBinaries, MysqlUnavailable, installed_server
from tests.support.debian_packages import Apt, PackagesUnavailable, unpacked

MYSQL_VARIABLE = "ROTATOR_TEST_MYSQLD"
"""Names the program of a MySQL server, 8.0.14 or later."""

MARIADB_VARIABLE = "ROTATOR_TEST_MARIADBD"
"""Names the program of a MariaDB server, 10.4 or later."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/usr/libexec"
_NOT_NEEDED = ("etc", "usr/bin", "usr/share/perl", "usr/lib/python3", "usr/share/doc", "var")


def mysql_binaries(environment: Mapping[str, str] = os.environ) -> MysqlBinaries:
    """The MySQL to test with; MysqlUnavailable says how to supply one."""
    if named := environment.get(MYSQL_VARIABLE):
        return installed_server(Path(named))
    installed = shutil.which("mysqld", path=_PATH)
    if installed is not None and not (found := installed_server(Path(installed))).mariadb:
        return found
    try:
        tree = unpacked("mysql", _fill_mysql)
    except PackagesUnavailable as failure:
        raise _how_to_supply("MySQL", MYSQL_VARIABLE, failure) from failure
    return MysqlBinaries(mariadb=False, server=tree / "usr/sbin/mysqld", tree=tree)


def mariadb_binaries(environment: Mapping[str, str] = os.environ) -> MysqlBinaries:
    """The MariaDB to test with; MysqlUnavailable says how to supply one."""
    if named := environment.get(MARIADB_VARIABLE):
        return installed_server(Path(named))
    installed = shutil.which("mariadbd", path=_PATH)
    if installed is not None:
        return installed_server(Path(installed))
    try:
        tree = unpacked("mariadb", _fill_mariadb)
    except PackagesUnavailable as failure:
        raise _how_to_supply("MariaDB", MARIADB_VARIABLE, failure) from failure
    return MysqlBinaries(mariadb=True, server=tree / "usr/sbin/mariadbd", tree=tree)


def _fill_mysql(work: Path, root: Path) -> None:
    apt = Apt(work, suite="sid")
    apt.download_closure("mysql-server-core")
    apt.unpack(root)
    _trim(root)


def _fill_mariadb(work: Path, root: Path) -> None:
    apt = Apt(work)
    apt.download_closure("mariadb-server-core")
    apt.download("mariadb-server")  # for its plugins; what it depends on is for other programs
    apt.unpack(root)
    _trim(root)


def _trim(root: Path) -> None:
    """Remove what the server doesn't need: the whole is copied where its account can't enter the cache."""
    for name in _NOT_NEEDED:
        shutil.rmtree(root / name, ignore_errors=True)


def _how_to_supply(product: str, variable: str, failure: PackagesUnavailable) -> MysqlUnavailable:
    return MysqlUnavailable(
        f"The tests need a {product} server. Install one, or set {variable} to its program. "
        f"Fetching Debian's packages for the tests failed: {failure}"
    )
