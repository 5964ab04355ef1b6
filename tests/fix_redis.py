"""Fixtures: real Redis and Valkey servers, one of each kind for each worker's session, also with TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import new_authority
from tests.support.debian_redis import REDIS, VALKEY, server_command
from tests.support.redis_server import (
    HOST,
    RedisServer,
    RedisTls,
    running_redis,
    same_superuser,
)
from tests.support.waiting import eventually


@pytest.fixture(scope="session")
def redis_command() -> list[str]:
    """Redis's program, for servers of a test's own."""
    return server_command(REDIS)


@pytest.fixture(scope="session")
def redis_tls(tmp_path_factory: pytest.TempPathFactory) -> RedisTls:
    """A certificate for servers, and the files of clients."""
    folder = tmp_path_factory.mktemp("redis")
    authority = new_authority("rotator tests")
    return RedisTls(
        certificate=authority.issue("localhost", HOST),
        ca_file=_written(folder / "ca.pem", authority.pem),
        other_ca_file=_written(folder / "other-ca.pem", new_authority("a stranger").pem),
    )


@pytest.fixture(scope="session")
def redis_server(redis_command: list[str], redis_tls: RedisTls) -> Iterator[RedisServer]:
    """Redis with an aclfile and TLS."""
    with running_redis(redis_command, tls=redis_tls) as server:
        yield server


@pytest.fixture(scope="session")
def redis_without_aclfile(redis_command: list[str]) -> Iterator[RedisServer]:
    """Redis whose users are in its configuration file."""
    with running_redis(redis_command, aclfile=False) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(redis_tls: RedisTls) -> Iterator[RedisServer]:
    """Valkey with an aclfile and TLS."""
    with running_redis(server_command(VALKEY), engine="valkey", tls=redis_tls) as server:
        yield server


@pytest.fixture(scope="session", params=["redis_server", "redis_without_aclfile", "valkey_server"])
def any_redis(request: pytest.FixtureRequest) -> RedisServer:
    """Each kind of server in turn."""
    server: RedisServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def replica_set(redis_command: list[str]) -> Iterator[list[RedisServer]]:
    """A primary and its replica, which have the same superuser and nothing else."""
    with (
        running_redis(redis_command) as primary,
        running_redis(redis_command, aclfile=False) as replica,
    ):
        same_superuser(replica, primary)
        replica.execute("CONFIG", "SET", "masteruser", "root")
        replica.execute("CONFIG", "SET", "masterauth", primary.superuser.password)
        primary.execute("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        replica.execute("REPLICAOF", HOST, str(primary.port))
        # Each side has a state of its own, and a replica that loads its data refuses commands.
        assert eventually(lambda: _state_of_replica(primary) == "online")
        assert eventually(lambda: replica.execute("ROLE")[3] == "connected")
        yield [primary, replica]


def _state_of_replica(primary: RedisServer) -> str | None:
    replica: dict[str, str] = primary.execute("INFO", "replication").get("slave0", {})
    return replica.get("state")


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
