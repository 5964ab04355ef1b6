"""Fixtures: real MySQL and MariaDB servers, one of each for each worker's session, with TLS for whoever wants it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator.testing.mysql_server import PreparedMysql, prepared_mysql, running_mysql
from tests.support.certificates import new_authority
from tests.support.debian_mysql import mariadb_binaries, mysql_binaries
from tests.support.mysql import MysqlDatabase


@pytest.fixture(scope="session")
def prepared_mysql_server() -> Iterator[PreparedMysql]:
    """MySQL's programs with a data directory, for servers of a test's own."""
    with prepared_mysql(mysql_binaries()) as prepared:
        yield prepared


@pytest.fixture(scope="session")
def prepared_mariadb_server() -> Iterator[PreparedMysql]:
    """MariaDB's programs with a data directory, for servers of a test's own."""
    with prepared_mysql(mariadb_binaries()) as prepared:
        yield prepared


@pytest.fixture(scope="session")
def mysql(
    prepared_mysql_server: PreparedMysql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MysqlDatabase]:
    """MySQL with TLS, whose log has every statement."""
    yield from _shared(prepared_mysql_server, tmp_path_factory.mktemp("mysql"))


@pytest.fixture(scope="session")
def mariadb(
    prepared_mariadb_server: PreparedMysql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MysqlDatabase]:
    """MariaDB with TLS and ed25519, whose log has every statement."""
    yield from _shared(
        prepared_mariadb_server,
        tmp_path_factory.mktemp("mariadb"),
        "--plugin-load-add=auth_ed25519",
    )


@pytest.fixture(scope="session", params=["mysql", "mariadb"])
def either(request: pytest.FixtureRequest) -> MysqlDatabase:
    """MySQL and MariaDB in turn."""
    server: MysqlDatabase = request.getfixturevalue(request.param)
    return server


def _shared(prepared: PreparedMysql, folder: Path, *options: str) -> Iterator[MysqlDatabase]:
    authority = new_authority("rotator tests")
    certificate = authority.issue("localhost", "127.0.0.1")
    with running_mysql(prepared, tls=certificate, options=options) as server:
        yield MysqlDatabase(
            server=server,
            mariadb=prepared.binaries.mariadb,
            ca_file=_written(folder / "ca.pem", authority.pem),
            other_ca_file=_written(folder / "other-ca.pem", new_authority("a stranger").pem),
        )


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
