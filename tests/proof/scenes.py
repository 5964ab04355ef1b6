"""The strategies that are proved, each with its server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rotator.testing.mysql_binaries import MysqlBinaries
from rotator.testing.mysql_server import prepared_mysql, running_mysql
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.command import RotateCommand
from tests.support.debian_mysql import mariadb_binaries, mysql_binaries
from tests.support.debian_redis import REDIS, server_command
from tests.support.mysql import MysqlDatabase
from tests.support.postgres import DatabaseServer
from tests.support.redis_server import running_redis

SECRET = "db/app"
ADMIN = "db/admin"

Value = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, with an application's credential and an admin's."""

    version: str
    credential: Value
    admin: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One strategy.

    Attributes:
        server: starts its server, in a folder that may be used.
        admin: the rotation needs an admin secret.
        hold: seconds for which half of the clients hold their credential.
        settings: further options of `rotate rotation set`.
    """

    rotator: str
    server: Callable[[Path], AbstractContextManager[Target]]
    admin: bool
    hold: float
    settings: tuple[str, ...] = ()

    def prepare(self, rotate: RotateCommand, target: Target) -> None:
        """A store with the application's credential, ready to rotate."""
        rotate.ok("init")
        rotate.ok("secret", "create", SECRET, value=target.credential)
        options = [*self.settings]
        if self.admin:
            rotate.ok("secret", "create", ADMIN, value=target.admin)
            options += ["--admin", ADMIN]
        rotate.ok("rotation", "set", SECRET, "--rotator", self.rotator, *options)


@contextmanager
def _postgres(_folder: Path) -> Iterator[Target]:
    with running_postgres(embedded_binaries(18)) as server:
        database = DatabaseServer(server=server)
        yield Target(
            version=f"PostgreSQL {server.version // 10000}.{server.version % 10000}",
            credential=database.secret_value(database.new_role()),
            admin=database.secret_value(database.superuser),
        )


@contextmanager
def _mysql_like(binaries: MysqlBinaries, folder: Path) -> Iterator[Target]:
    unused = folder / "no-tls"
    with prepared_mysql(binaries) as prepared, running_mysql(prepared) as server:
        database = MysqlDatabase(
            server=server, mariadb=binaries.mariadb, ca_file=unused, other_ca_file=unused
        )
        version = str(database.execute("SELECT VERSION()")[0][0]).partition("-")[0]
        yield Target(
            version=f"{binaries.product} {version}",
            credential=database.secret_value(database.new_account()),
            admin=database.secret_value(database.superuser),
        )


def _mysql(folder: Path) -> AbstractContextManager[Target]:
    return _mysql_like(mysql_binaries(), folder)


def _mariadb(folder: Path) -> AbstractContextManager[Target]:
    return _mysql_like(mariadb_binaries(), folder)


@contextmanager
def _redis(_folder: Path) -> Iterator[Target]:
    with running_redis(server_command(REDIS)) as server:
        yield Target(
            version=f"Redis {server.execute('INFO', 'server')['redis_version']}",
            credential=server.secret_value(server.new_user()),
            admin=server.secret_value(server.superuser),
        )


_SHORT = ("--grace", "2s")

SCENES = (
    Scene(rotator="postgresql-single-user", server=_postgres, admin=False, hold=5.0),
    Scene(rotator="postgresql-alternating-users", server=_postgres, admin=True, hold=0.5),
    Scene(
        rotator="postgresql-alternating-users",
        server=_postgres,
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(rotator="mysql-single-user", server=_mysql, admin=True, hold=0.5, settings=_SHORT),
    Scene(rotator="mysql-alternating-users", server=_mysql, admin=True, hold=0.5),
    Scene(rotator="mariadb-single-user", server=_mariadb, admin=True, hold=0.5, settings=_SHORT),
    Scene(rotator="mariadb-alternating-users", server=_mariadb, admin=True, hold=0.5),
    Scene(rotator="redis-acl", server=_redis, admin=True, hold=0.5, settings=_SHORT),
)
"""In the order in which they are proved."""
