"""The data directory of a private MySQL or MariaDB server, made once and copied for each server."""

import hashlib
import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rotator.testing.mysql_binaries import MysqlBinaries, MysqlUnavailable
from rotator.testing.unprivileged import Account, give, process_options

SUPERUSER = "root"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
"""The server's whole environment."""

# Small files are made and copied faster than the defaults of a server with real work.
_SMALL = {
    True: ("--innodb-log-file-size=4M",),
    False: ("--innodb-redo-log-capacity=8M",),
}
_MARIADB_SCRIPTS = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
)
# What MariaDB's own mariadb-install-db sends before the scripts.
_MARIADB_FIRST = (
    "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n"
)
_MARIADB_ACCOUNTS = """
DELETE FROM global_priv WHERE User IN ('root', '');
INSERT INTO global_priv VALUES ('%', '{user}', '{{"access": 18446744073709551615, "plugin": "mysql_native_password", "authentication_string": "{verifier}"}}');
"""  # noqa: E501 (one line is one statement; the parts are this module's own)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory:
    """A data directory that no server runs on: to be copied.

    Attributes:
        password: of the only account that can log in, root from every host.
    """

    path: Path
    password: str = field(repr=False)


def small_files(*, mariadb: bool) -> tuple[str, ...]:
    """Options that keep the files small; the server has to be run with them too."""
    return _SMALL[mariadb]


def make_data_directory(
    binaries: MysqlBinaries, home: Path, account: Account | None
) -> DataDirectory:
    """Make the system tables in `home/data`, and one account, whose password nobody knows beforehand.

    Raises MysqlUnavailable, with the server's words, when it fails.
    """
    data = home / "data"
    data.mkdir()
    give(data, account)
    password = secrets.token_urlsafe(24)
    if binaries.mariadb:
        _bootstrap_mariadb(binaries, data, account, password)
    else:
        _initialize_mysql(binaries, data, account, password)
    return DataDirectory(path=data, password=password)


def _bootstrap_mariadb(
    binaries: MysqlBinaries, data: Path, account: Account | None, password: str
) -> None:
    scripts = ((binaries.scripts() / name).read_text(encoding="utf-8") for name in _MARIADB_SCRIPTS)
    stage = hashlib.sha1(password.encode()).digest()  # noqa: S324 (it is what mysql_native_password is)
    verifier = "*" + hashlib.sha1(stage).hexdigest().upper()  # noqa: S324
    accounts = _MARIADB_ACCOUNTS.format(user=SUPERUSER, verifier=verifier)
    statements = "\n".join((_MARIADB_FIRST, *scripts, accounts))
    _run(binaries, data, account, "--bootstrap", statements=statements)


def _initialize_mysql(
    binaries: MysqlBinaries, data: Path, account: Account | None, password: str
) -> None:
    accounts = data.parent / "accounts.sql"
    accounts.touch(mode=0o600)
    try:
        accounts.write_text(
            f"CREATE USER '{SUPERUSER}'@'%' IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON *.* TO '{SUPERUSER}'@'%' WITH GRANT OPTION;\n"
            f"DROP USER '{SUPERUSER}'@'localhost';\n"
        )
        give(accounts, account)
        _run(
            binaries,
            data,
            account,
            "--initialize-insecure",
            f"--init-file={accounts}",
            "--secure-file-priv=",
        )
    finally:
        accounts.unlink()
    (data / "auto.cnf").unlink()  # the identity of a server, which is no copy's


def _run(
    binaries: MysqlBinaries,
    data: Path,
    account: Account | None,
    *options: str,
    statements: str = "",
) -> None:
    done = subprocess.run(
        [
            *binaries.command(),
            f"--datadir={data}",
            # A starting server removes every temporary table of its tmpdir, another server's too.
            f"--tmpdir={data.parent}",
            *small_files(mariadb=binaries.mariadb),
            *options,
        ],
        input=statements.encode(),
        capture_output=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        **process_options(account),
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).decode(errors="replace").strip()[-2000:]
        raise MysqlUnavailable(
            f"{binaries.server} could not make a data directory (exit code {done.returncode}): {words}"
        )
