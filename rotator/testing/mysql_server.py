"""A private MySQL or MariaDB server, for as long as a `with` block lasts.

It listens on the loopback interface only, knows one account, which has a password, and runs as an unprivileged user,
because it refuses to run as root. It leaves nothing behind: when the block ends, and also when this process is killed
in the middle of it, the server stops and its files are removed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rotator.testing.guard import guarded
from rotator.testing.mysql_binaries import MysqlBinaries, MysqlUnavailable
from rotator.testing.mysql_data import (
    ENVIRONMENT,
    SUPERUSER,
    DataDirectory,
    make_data_directory,
    small_files,
)
from rotator.testing.ports import free_port
from rotator.testing.tls import ServerTls, place_certificate
from rotator.testing.unprivileged import (
    Account,
    base_directory,
    give,
    process_options,
    unprivileged_account,
)

_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_PORT_ATTEMPTS = 5
_LOGS_EVERYTHING = ("--general-log=ON", "--skip-name-resolve")


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlServer:
    """A running server that has let its superuser `user` in; `version` is its own text, such as `9.7.4-2`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: str
    pid: int
    data_dir: Path
    log_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMysql:
    """Programs that can be run, and a data directory to copy."""

    binaries: MysqlBinaries
    data: DataDirectory
    account: Account | None


@contextlib.contextmanager
def prepared_mysql(binaries: MysqlBinaries) -> Iterator[PreparedMysql]:
    """Make what every server of this kind begins with; the block may run any number of them.

    Raises MysqlUnavailable, with the server's words, when the programs don't run, and AccountUnavailable when root has
    no account to run them as.
    """
    account = unprivileged_account()
    home = _new_home(binaries, account)
    with guarded(home, pid_file=home / "none", ending=signal.SIGTERM):
        give(home, account)
        usable = _reachable(binaries, home, account)
        yield PreparedMysql(
            binaries=usable, data=make_data_directory(usable, home, account), account=account
        )


@contextlib.contextmanager
def running_mysql(
    prepared: PreparedMysql,
    *,
    options: Sequence[str] = (),
    tls: ServerTls | None = None,
) -> Iterator[MysqlServer]:
    """Run a new, empty server; the block begins once its superuser has logged in.

    Args:
        prepared: programs and data.
        options: further options of the server's command line.
        tls: its certificate; without one the server offers no TLS.

    Raises MysqlUnavailable, with the end of the server's log, when no server comes up.
    """
    home = _new_home(prepared.binaries, prepared.account)
    pid_file = home / "server.pid"
    with guarded(home, pid_file=pid_file, ending=signal.SIGTERM):
        shutil.copytree(prepared.data.path, home / "data")
        give(home, prepared.account)
        yield from _serve(
            prepared, home, [*_LOGS_EVERYTHING, *_tls_options(prepared, home, tls), *options]
        )


def _new_home(binaries: MysqlBinaries, account: Account | None) -> Path:
    prefix = f"rotator-{binaries.product.lower()}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=base_directory(account)))


def _reachable(binaries: MysqlBinaries, home: Path, account: Account | None) -> MysqlBinaries:
    """The installation where `account` can run it: as it is, or else a copy in `home`."""
    try:
        subprocess.run(
            [*binaries.command(), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            cwd="/",
            env=ENVIRONMENT,
            **process_options(account),
        )
    except PermissionError as refusal:
        if account is None or binaries.tree is None:
            raise MysqlUnavailable(
                f"{binaries.server} can't be run by the account "
                f"'{account.name if account else os.getuid()}' ({binaries.product} doesn't run as root). "
                "Let others enter its folders (chmod o+rx), or use another installation."
            ) from refusal
    except subprocess.CalledProcessError as failure:
        raise MysqlUnavailable(
            f"{binaries.server} does not run: {failure.stderr.decode(errors='replace').strip()}"
        ) from failure
    else:
        return binaries
    copy = binaries.copied_to(home / "programs")
    give(home / "programs", account)
    return copy


def _tls_options(prepared: PreparedMysql, home: Path, tls: ServerTls | None) -> list[str]:
    if tls is None:
        return ["--skip-ssl"] if prepared.binaries.mariadb else ["--tls-version="]
    certificate, private_key = place_certificate(home, prepared.account, tls)
    return [f"--ssl-cert={certificate}", f"--ssl-key={private_key}"]


def _serve(prepared: PreparedMysql, home: Path, options: Sequence[str]) -> Iterator[MysqlServer]:
    """Yield a server once, on a free port; others may take a port first, so a few are tried."""
    log_end = ""
    for _ in range(_PORT_ATTEMPTS):
        port = free_port(_HOST)
        process = _start(prepared, home, port, options)
        try:
            version = _log_in_when_ready(process, port=port, password=prepared.data.password)
            if version is not None:
                yield MysqlServer(
                    host=_HOST,
                    port=port,
                    user=SUPERUSER,
                    password=prepared.data.password,
                    version=version,
                    pid=process.pid,
                    data_dir=home / "data",
                    log_file=home / "queries.log",
                )
                return
        finally:
            _stop(process)
        log_end = (home / "server.log").read_text(errors="replace")[-2000:]
        if "ddress already in use" not in log_end:
            break
    raise MysqlUnavailable(
        f"{prepared.binaries.product} did not start and let its superuser in within "
        f"{_START_SECONDS:.0f} s. The end of its log:\n{log_end}"
    )


def _start(
    prepared: PreparedMysql, home: Path, port: int, options: Sequence[str]
) -> subprocess.Popen[bytes]:
    binaries = prepared.binaries
    own = [
        f"--datadir={home / 'data'}",
        f"--tmpdir={home}",
        f"--bind-address={_HOST}",
        f"--port={port}",
        f"--socket={home / 'socket'}",
        f"--pid-file={home / 'server.pid'}",
        f"--general-log-file={home / 'queries.log'}",
        *small_files(mariadb=binaries.mariadb),
        *([] if binaries.mariadb else ["--mysqlx=OFF", "--secure-file-priv="]),
    ]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(
            [*binaries.command(), *own, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=ENVIRONMENT,
            # Ctrl-C on a terminal is for this process, which then stops the server in order.
            start_new_session=True,
            **process_options(prepared.account),
        )


def _log_in_when_ready(process: subprocess.Popen[bytes], *, port: int, password: str) -> str | None:
    """The version of the server that let its superuser in; None if it ended or took too long."""
    import pymysql

    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with (
                pymysql.connect(
                    host=_HOST, port=port, user=SUPERUSER, password=password, connect_timeout=5
                ) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SELECT VERSION()")
                row = cursor.fetchone()
                return str(row[0]) if row else None
        except pymysql.OperationalError:
            time.sleep(0.02)
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
        return
    process.kill()
    process.wait()
