"""A running PostgreSQL as the tests use it: fresh roles and databases, logins, its log."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from rotator.testing.postgres_server import PostgresServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role that can log in, with the password that it was made with."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """One server, used by many tests at once: each makes roles and databases of its own."""

    server: PostgresServer
    ca_file: Path | None = None
    """What clients trust to know this server; None where it has no TLS."""
    other_ca_file: Path | None = None
    """An authority that did not issue this server's certificate."""
    wrong_name_host: str | None = None
    """An address of this server that its certificate doesn't name."""

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def superuser(self) -> Role:
        return Role(name=self.server.user, password=self.server.password)

    def connect(
        self, role: Role | None = None, *, dbname: str = "postgres", **options: Any
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommit session of `role`, the superuser's by default."""
        login = role or self.superuser
        parameters: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": login.name,
            "password": login.password,
            "dbname": dbname,
            "gssencmode": "disable",
            "connect_timeout": 10,
            **self._tls_parameters(),
        }
        return psycopg.connect(autocommit=True, **(parameters | options))

    def execute(
        self,
        statement: LiteralString | sql.Composed,
        parameters: tuple[object, ...] = (),
        *,
        dbname: str = "postgres",
    ) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; its rows, none where it returns none."""
        with self.connect(dbname=dbname) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def can_log_in(self, role: Role, *, dbname: str = "postgres") -> bool:
        """Whether the password is accepted; any other reason not to get in is raised."""
        try:
            with self.connect(role, dbname=dbname):
                return True
        except psycopg.OperationalError as refusal:
            # A failed login has no SQLSTATE in libpq, only the server's words.
            if "password authentication failed" in str(refusal):
                return False
            raise

    def new_role(self, prefix: str = "app", *, attributes: LiteralString = "LOGIN") -> Role:
        """A role with a unique name and a random password."""
        role = Role(name=unique_name(prefix), password=secrets.token_urlsafe(18))
        statement = sql.SQL("CREATE ROLE {} WITH {} PASSWORD {}")
        name, password = sql.Identifier(role.name), sql.Literal(role.password)
        self.execute(statement.format(name, sql.SQL(attributes), password))
        return role

    def new_database(self, *, owner: Role | None = None) -> str:
        """An empty database with a unique name."""
        name = unique_name("db")
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        owner_name = (owner or self.superuser).name
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(owner_name)))
        return name

    def secret_value(self, role: Role, *, dbname: str = "postgres") -> dict[str, str | int | bool]:
        """The secret JSON of `role`, with AWS's keys for databases."""
        return {
            "engine": "postgres",
            "host": self.host,
            "port": self.port,
            "username": role.name,
            "password": role.password,
            "dbname": dbname,
            "ssl": self.ca_file is not None,
        }

    def log_text(self) -> str:
        """Everything that the server has logged so far."""
        return self.server.log_file.read_text(encoding="utf-8", errors="replace")

    def _tls_parameters(self) -> dict[str, str]:
        if self.ca_file is None:
            return {"sslmode": "disable"}
        return {"sslmode": "verify-full", "sslrootcert": str(self.ca_file)}


def unique_name(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}_{secrets.token_hex(6)}"
