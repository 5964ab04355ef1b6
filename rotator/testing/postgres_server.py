"""A private PostgreSQL server, for as long as a `with` block lasts.

It listens on the loopback interface only, asks everybody for a password (SCRAM-SHA-256), and runs
as an unprivileged account, because `initdb` and `postgres` refuse to run as root. It leaves nothing
behind: when the block ends, and also when this process is killed in the middle of it, the server
stops and its files are removed.
"""

import contextlib
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rotator.testing.guard import guarded
from rotator.testing.ports import free_port
from rotator.testing.postgres_binaries import PostgresBinaries, PostgresUnavailable
from rotator.testing.postgres_cluster import (
    configure,
    install_tls,
    make_cluster,
    reachable_by,
    replace_hba,
)
from rotator.testing.tls import ServerTls
from rotator.testing.unprivileged import (
    Account,
    base_directory,
    give,
    process_options,
    unprivileged_account,
)

SUPERUSER = "postgres"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PORT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server that has let its superuser `user` in.

    `version` is PostgreSQL's `server_version_num`: 160014 for 16.14.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: int
    pid: int
    data_dir: Path
    log_file: Path


@contextlib.contextmanager
def running_postgres(
    binaries: PostgresBinaries,
    *,
    settings: Mapping[str, str] | None = None,
    hba_lines: Sequence[str] | None = None,
    tls: ServerTls | None = None,
    log_file: Path | None = None,
    listen_addresses: Sequence[str] = ("127.0.0.1",),
) -> Iterator[PostgresServer]:
    """Run a new, empty server; the block begins once its superuser has logged in.

    `settings` go into postgresql.conf; `hba_lines` replace pg_hba.conf; the log lies beside the
    data unless `log_file` names a place that outlives the server. `host` of the server is the first
    of `listen_addresses`.
    Raises PostgresUnavailable, with the end of the server's log, when no server comes up, and
    AccountUnavailable when root has no account to run it as.
    """
    account = unprivileged_account()
    home = Path(tempfile.mkdtemp(prefix="rotator-postgres-", dir=base_directory(account)))
    pid_file = home / "data/postmaster.pid"
    with guarded(home, pid_file=pid_file, ending=signal.SIGINT):
        give(home, account)
        usable = reachable_by(account, binaries, home)
        password = secrets.token_urlsafe(24)
        data_dir = make_cluster(usable, home, account, superuser=SUPERUSER, password=password)
        own_settings = {
            "listen_addresses": ",".join(listen_addresses),
            "unix_socket_directories": "",
        }
        tls_settings = install_tls(home, account, tls) if tls else {}
        configure(data_dir, own_settings | tls_settings | dict(settings or {}))
        if hba_lines is not None:
            replace_hba(data_dir, hba_lines)
        yield from _serve(
            usable,
            account,
            data_dir=data_dir,
            host=listen_addresses[0],
            password=password,
            log_file=log_file or home / "server.log",
        )


def _serve(
    binaries: PostgresBinaries,
    account: Account | None,
    *,
    data_dir: Path,
    host: str,
    password: str,
    log_file: Path,
) -> Iterator[PostgresServer]:
    """Yield a server once, on a free port; others may take a port first, so a few are tried."""
    log_end = ""
    for _ in range(_PORT_ATTEMPTS):
        port = free_port(host)
        process = _start(binaries, account, data_dir=data_dir, port=port, log_file=log_file)
        try:
            version = _log_in_when_ready(process, host=host, port=port, password=password)
            if version is not None:
                yield PostgresServer(
                    host=host,
                    port=port,
                    user=SUPERUSER,
                    password=password,
                    version=version,
                    pid=process.pid,
                    data_dir=data_dir,
                    log_file=log_file,
                )
                return
        finally:
            _stop(process)
        log_end = log_file.read_text(errors="replace")[-2000:]
        if "Address already in use" not in log_end:
            break
    raise PostgresUnavailable(
        f"PostgreSQL did not start and let its superuser in within {_START_SECONDS:.0f} s. "
        f"The end of its log:\n{log_end}"
    )


def _start(
    binaries: PostgresBinaries,
    account: Account | None,
    *,
    data_dir: Path,
    port: int,
    log_file: Path,
) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [str(binaries.program("postgres")), "-D", str(data_dir), "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=binaries.environment(),
            # Ctrl-C on a terminal is for this process, which then stops the server in order.
            start_new_session=True,
            **process_options(account),
        )


def _log_in_when_ready(
    process: subprocess.Popen[bytes], *, host: str, port: int, password: str
) -> int | None:
    """The version of the server that let its superuser in; None if it ended or took too long."""
    import psycopg

    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with psycopg.connect(
                host=host,
                port=port,
                user=SUPERUSER,
                password=password,
                dbname="postgres",
                sslmode="prefer",
                gssencmode="disable",
                connect_timeout=5,
            ) as connection:
                return connection.info.server_version
        except psycopg.OperationalError:
            time.sleep(0.02)
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server: SIGINT ends open sessions at once, SIGTERM would wait for their clients."""
    for ending in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return
    process.kill()
    process.wait()
