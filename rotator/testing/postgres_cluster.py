"""The files of a private PostgreSQL server: programs that can be run, a new cluster, its settings.

Root's part is only to hand the files over: everything that is run, is run as the account.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rotator.testing.postgres_binaries import PostgresBinaries, PostgresUnavailable
from rotator.testing.tls import ServerTls, place_certificate
from rotator.testing.unprivileged import Account, give, process_options


def reachable_by(
    account: Account | None, binaries: PostgresBinaries, home: Path
) -> PostgresBinaries:
    """The installation where `account` can run it: as it is, or else a copy in `home`."""
    try:
        _run(binaries, "postgres", ["--version"], account)
    except PermissionError as refusal:
        if account is None or not binaries.trees:
            raise PostgresUnavailable(
                f"{binaries.program('postgres')} can't be run by the account "
                f"'{account.name if account else os.getuid()}' (PostgreSQL doesn't run as root). "
                "Let others enter its folders (chmod o+rx), or use another installation."
            ) from refusal
    else:
        return binaries
    copy = binaries.copied_to(home / "postgresql")
    give(copy.root, account)
    return copy


def make_cluster(
    binaries: PostgresBinaries,
    home: Path,
    account: Account | None,
    *,
    superuser: str,
    password: str,
) -> Path:
    """Run initdb in `home`; the data directory, in which everybody has to give a password.

    The superuser's password goes over in a file that nobody else can read and that doesn't stay.
    """
    data_dir = home / "data"
    password_file = home / "superuser-password"
    password_file.touch(mode=0o600)
    try:
        password_file.write_text(f"{password}\n")
        give(password_file, account)
        arguments = [
            f"--pgdata={data_dir}",
            f"--username={superuser}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        _run(binaries, "initdb", arguments, account)
    finally:
        password_file.unlink()
    return data_dir


def install_tls(home: Path, account: Account | None, tls: ServerTls) -> dict[str, str]:
    """Put certificate and key where the server can read them; the settings that use them."""
    certificate, private_key = place_certificate(home, account, tls)
    return {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(private_key)}


def configure(data_dir: Path, settings: Mapping[str, str]) -> None:
    """Append `settings` to postgresql.conf, where the last line for a name counts."""
    quoted = ((name, value.replace("'", "''")) for name, value in settings.items())
    with (data_dir / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in quoted)


def replace_hba(data_dir: Path, lines: Sequence[str]) -> None:
    """Make `lines` the whole of pg_hba.conf."""
    text = "".join(f"{line}\n" for line in lines)
    (data_dir / "pg_hba.conf").write_text(text, encoding="utf-8")


def _run(
    binaries: PostgresBinaries, program: str, arguments: Sequence[str], account: Account | None
) -> None:
    command = [str(binaries.program(program)), *arguments]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=binaries.environment(),
        **process_options(account),
    )
    if done.returncode != 0:
        raise PostgresUnavailable(
            f"{command[0]} failed with exit code {done.returncode}: {done.stderr.strip()}"
        )
