"""The strategies that are proved, each with its server."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rotator.testing.mysql_binaries import MysqlBinaries
from rotator.testing.mysql_server import prepared_mysql, running_mysql
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.certificates import new_authority
from tests.support.command import RotateCommand
from tests.support.debian_mysql import mariadb_binaries, mysql_binaries
from tests.support.debian_redis import REDIS, VALKEY, Product, server_command
from tests.support.debian_slapd import slapd
from tests.support.ldap_server import HOST, running_slapd
from tests.support.mysql import MysqlDatabase
from tests.support.postgres import DatabaseServer
from tests.support.rabbitmq_server import running_broker
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
        overlap: that its rotations have to have, by which clients are promised what they are.
        admin: the rotation needs an admin secret.
        hold: seconds for which half of the clients hold their credential.
        settings: further options of `rotate rotation set`.
    """

    rotator: str
    server: Callable[[Path], AbstractContextManager[Target]]
    overlap: str
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
def _redis_like(product: Product, _folder: Path) -> Iterator[Target]:
    with running_redis(server_command(product), engine=product.name) as server:
        yield Target(
            version=f"{product.name.capitalize()} {server.execute('INFO', 'server')[f'{product.name}_version']}",
            credential=server.secret_value(server.new_user()),
            admin=server.secret_value(server.superuser),
        )


@contextmanager
def _openldap(folder: Path) -> Iterator[Target]:
    program = slapd()
    told = subprocess.run([*program.command, "-VV"], capture_output=True, text=True, check=False)
    version = re.search(r"OpenLDAP: slapd ([0-9.]+)", told.stdout + told.stderr)
    with running_slapd(program, **_tls(folder), log="none") as server:
        yield Target(
            version=f"OpenLDAP {version[1] if version else 'of unknown version'}",
            credential=server.secret_value(server.new_person()),
            admin=server.secret_value(server.admin),
        )


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[Target]:
    with running_broker(**_tls(folder)) as broker:
        _, overview = broker.ask(broker.superuser, "GET", "/api/overview")
        yield Target(
            version=f"RabbitMQ {overview['rabbitmq_version']}",
            credential=broker.secret_value(broker.new_user()),
            admin=broker.secret_value(broker.superuser),
        )


def _tls(folder: Path) -> dict[str, Any]:
    """What these servers offer TLS with; the clients of a proof do without."""
    authority = new_authority("rotator proof")
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority.pem)
    certificate = authority.issue("localhost", HOST)
    return {"certificate": certificate, "ca_file": ca_file, "other_ca_file": ca_file}


_SHORT = ("--grace", "2s")

SCENES = (
    Scene(rotator="postgresql-single-user", server=_postgres, overlap="gap", admin=False, hold=1.0),
    Scene(
        rotator="postgresql-alternating-users",
        server=_postgres,
        overlap="alternating",
        admin=True,
        hold=0.5,
    ),
    Scene(
        rotator="postgresql-alternating-users",
        server=_postgres,
        overlap="alternating",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(
        rotator="mysql-single-user",
        server=_mysql,
        overlap="dual",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(
        rotator="mysql-alternating-users",
        server=_mysql,
        overlap="alternating",
        admin=True,
        hold=0.5,
    ),
    Scene(
        rotator="mariadb-single-user",
        server=_mariadb,
        overlap="dual",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(
        rotator="mariadb-alternating-users",
        server=_mariadb,
        overlap="alternating",
        admin=True,
        hold=0.5,
    ),
    Scene(
        rotator="redis-acl",
        server=partial(_redis_like, REDIS),
        overlap="dual",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(
        rotator="valkey-acl",
        server=partial(_redis_like, VALKEY),
        overlap="dual",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(
        rotator="openldap-password",
        server=_openldap,
        overlap="dual",
        admin=True,
        hold=0.5,
        settings=_SHORT,
    ),
    Scene(rotator="rabbitmq-user", server=_rabbitmq, overlap="gap", admin=True, hold=1.0),
)
"""In the order in which they are proved."""
