"""Fixtures: real PostgreSQL servers, one of each kind for each worker's session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.certificates import new_authority
from tests.support.debian_postgres import tls_binaries
from tests.support.postgres import DatabaseServer

# Everything that reaches the server is in its log, so that tests can look for what must not be.
_LOG_EVERYTHING = {"log_statement": "all", "log_connections": "on"}


@pytest.fixture(scope="session")
def pg16() -> Iterator[DatabaseServer]:
    """PostgreSQL 16 without TLS."""
    with running_postgres(embedded_binaries(16), settings=_LOG_EVERYTHING) as server:
        yield DatabaseServer(server=server)


@pytest.fixture(scope="session")
def pg18() -> Iterator[DatabaseServer]:
    """PostgreSQL 18 without TLS."""
    with running_postgres(embedded_binaries(18), settings=_LOG_EVERYTHING) as server:
        yield DatabaseServer(server=server)


@pytest.fixture(scope="session", params=["pg16", "pg18"])
def pg(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each PostgreSQL release without TLS in turn."""
    server: DatabaseServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def pg_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """Debian's PostgreSQL, which lets nobody in without TLS."""
    folder = tmp_path_factory.mktemp("tls")
    authority = new_authority("rotator tests")
    with running_postgres(
        tls_binaries(),
        settings=_LOG_EVERYTHING,
        tls=authority.issue("localhost", "127.0.0.1"),
        hba_lines=["hostssl all all 127.0.0.0/8 scram-sha-256"],
        listen_addresses=("127.0.0.1", "127.0.0.2"),
    ) as server:
        yield DatabaseServer(
            server=server,
            ca_file=_written(folder / "ca.pem", authority.pem),
            other_ca_file=_written(folder / "other-ca.pem", new_authority("a stranger").pem),
            wrong_name_host="127.0.0.2",
        )


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
