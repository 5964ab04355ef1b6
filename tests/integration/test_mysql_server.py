"""The launcher of private MySQL and MariaDB servers, and the servers that the other tests rely on."""

import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest

from rotator.testing.mysql_binaries import MysqlUnavailable, installed_server
from rotator.testing.mysql_server import PreparedMysql, running_mysql
from tests.support.debian_mysql import MARIADB_VARIABLE, mariadb_binaries
from tests.support.mysql import MysqlDatabase
from tests.support.waiting import eventually


@pytest.fixture(params=["prepared_mysql_server", "prepared_mariadb_server"])
def prepared(request: pytest.FixtureRequest) -> PreparedMysql:
    found: PreparedMysql = request.getfixturevalue(request.param)
    return found


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_wrong_password_is_refused(either: MysqlDatabase) -> None:
    """Every test server proves passwords: an account's own lets it in, a random one doesn't."""
    account = either.new_account()
    assert either.can_log_in(account)
    assert either.can_log_in(account, tls=True)
    assert not either.can_log_in(account.with_password(secrets.token_urlsafe(18)))
    assert not either.can_log_in(either.superuser.with_password(secrets.token_urlsafe(18)))


def test_nobody_gets_in_without_a_password(either: MysqlDatabase) -> None:
    """No account that the server came with can log in."""
    for name in ("root", "", "mariadb.sys", "mysql.sys"):
        nobody = either.superuser.with_password("")
        with pytest.raises(pymysql.OperationalError, match=r"ccess denied|locked"):
            either.connect(nobody, user=name)


def test_the_certificate_counts(either: MysqlDatabase) -> None:
    """A client that trusts another authority doesn't trust this server."""
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        either.connect(tls=True, ssl={"ca": str(either.other_ca_file)})


def test_nothing_is_left_behind(prepared: PreparedMysql) -> None:
    """After the block there is no open port and no file; without a certificate the server had no TLS."""
    with running_mysql(prepared) as server:
        home = server.data_dir.parent
        database = MysqlDatabase(
            server=server,
            mariadb=prepared.binaries.mariadb,
            ca_file=Path("none"),
            other_ca_file=Path("none"),
        )
        assert database.can_log_in(database.superuser)
        with pytest.raises(pymysql.OperationalError, match="SSL is required"):
            database.connect(ssl={"verify_mode": "none"}, ssl_disabled=False)
    assert refuses_connections(server.port)
    assert not home.exists()


def test_nothing_is_left_behind_by_a_killed_process() -> None:
    """When the process that runs the server is killed, the server stops and its files go."""
    program = """
import signal
from rotator.testing.mysql_server import prepared_mysql, running_mysql
from tests.support.debian_mysql import mariadb_binaries
with prepared_mysql(mariadb_binaries()) as prepared, running_mysql(prepared) as server:
    print(server.port, server.data_dir.parent, prepared.data.path.parent, flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port, *homes = process.stdout.readline().decode().split()
        assert not refuses_connections(int(port))
        process.send_signal(signal.SIGKILL)
    assert eventually(lambda: not any(Path(home).exists() for home in homes))
    assert refuses_connections(int(port))


def test_a_server_that_does_not_start_says_why(prepared_mariadb_server: PreparedMysql) -> None:
    """The error carries the end of the server's log."""
    with (
        pytest.raises(MysqlUnavailable, match="no-such-option"),
        running_mysql(prepared_mariadb_server, options=["--no-such-option"]),
    ):
        pass


def test_a_program_that_is_no_server_is_named(tmp_path: Path) -> None:
    """A variable that names something else is refused by name."""
    with pytest.raises(MysqlUnavailable, match="is not the program of a MySQL or MariaDB server"):
        mariadb_binaries({MARIADB_VARIABLE: str(tmp_path / "none")})
    with pytest.raises(MysqlUnavailable, match="is not the program"):
        installed_server(Path("/bin/false"))
