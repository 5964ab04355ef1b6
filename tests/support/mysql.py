"""A running MySQL or MariaDB as the tests use it: fresh accounts and databases, logins, its log."""

import secrets
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pymysql
from pymysql.connections import Connection
from pymysql.constants import ER

from rotator.testing.mysql_server import MysqlServer


class Login(Protocol):
    """A user name and its password."""

    @property
    def name(self) -> str: ...

    @property
    def password(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that can log in, with the password that it was made with."""

    name: str
    password: str = field(repr=False)
    host: str = "%"

    @property
    def spec(self) -> str:
        """The account in a statement, under `NO_BACKSLASH_ESCAPES`."""
        return f"{literal(self.name)}@{literal(self.host)}"

    def with_password(self, password: str) -> "Account":
        return replace(self, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlDatabase:
    """One server, used by many tests at once: each makes accounts and databases of its own."""

    server: MysqlServer
    mariadb: bool
    ca_file: Path
    """What clients trust to know this server."""
    other_ca_file: Path
    """An authority that did not issue this server's certificate."""

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def superuser(self) -> Account:
        return Account(name=self.server.user, password=self.server.password)

    @property
    def engine(self) -> str:
        return "mariadb" if self.mariadb else "mysql"

    def connect(
        self, account: Login | None = None, *, tls: bool = False, **options: Any
    ) -> "Connection[Any]":
        """An autocommit session of `account`, the superuser's by default."""
        login = account or self.superuser
        parameters: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": login.name,
            "password": login.password.encode(),
            "charset": "utf8mb4",
            "connect_timeout": 10,
            "autocommit": True,
            "sql_mode": "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES",
            "ssl": ssl.create_default_context(cafile=str(self.ca_file)) if tls else None,
            "ssl_disabled": not tls,
        }
        return pymysql.connect(**(parameters | options))

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser; the rows of the last one."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def can_log_in(self, account: Login, *, tls: bool = False) -> bool:
        """Whether the password is accepted; any other reason not to get in is raised."""
        try:
            self.connect(account, tls=tls).close()
        except pymysql.OperationalError as refusal:
            if refusal.args[0] == ER.ACCESS_DENIED_ERROR:
                return False
            raise
        return True

    def new_account(
        self, prefix: str = "app", *, name: str | None = None, host: str = "%", options: str = ""
    ) -> Account:
        """An account with a unique name and a random password."""
        account = Account(
            name=name or unique_name(prefix), password=secrets.token_urlsafe(18), host=host
        )
        identified = f"IDENTIFIED BY {literal(account.password)}"
        self.execute(f"CREATE USER {account.spec} {identified} {options}")
        return account

    def secret_value(self, account: Account, *, tls: bool = False) -> dict[str, str | int | bool]:
        """The secret JSON of `account`, with AWS's keys for databases."""
        return {
            "engine": self.engine,
            "host": self.host,
            "port": self.port,
            "username": account.name,
            "password": account.password,
            "ssl": tls,
        }

    def log_text(self) -> str:
        """Every statement that the server has received so far, as it logs it."""
        return self.server.log_file.read_text(encoding="utf-8", errors="replace")


def literal(text: str) -> str:
    """`text` as an SQL string under `NO_BACKSLASH_ESCAPES`."""
    return "'" + text.replace("'", "''") + "'"


def unique_name(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}_{secrets.token_hex(6)}"
