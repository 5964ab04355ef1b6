"""Real servers as the conformance suite reaches them."""

import secrets
from collections.abc import Mapping
from typing import Any

from psycopg import sql

from rotator.sdk import SecretValue
from rotator.testing.conformance import ConformanceTarget
from tests.support.mysql import Account, MysqlDatabase
from tests.support.postgres import DatabaseServer, Role


class PostgresTarget(ConformanceTarget):
    """Roles of a PostgreSQL server; with `administered`, its superuser changes them."""

    def __init__(self, server: DatabaseServer, *, administered: bool) -> None:
        self._server = server
        self._administered = administered
        self._from = len(server.log_text())

    @property
    def admin(self) -> SecretValue | None:
        if not self._administered:
            return None
        return SecretValue.from_json(self._server.secret_value(self._server.superuser))

    def new_credential(self, name: str) -> SecretValue:
        role = Role(name=name, password=secrets.token_urlsafe(18))
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        with self._server.connect() as connection:
            connection.execute(
                "SET log_statement = none"
            )  # the log shall show what the rotator sends
            connection.execute(create.format(sql.Identifier(name), sql.Literal(role.password)))
        return SecretValue.from_json(self._server.secret_value(role))

    def logs_in(self, value: SecretValue) -> bool:
        fields = value.fields()
        return self._server.can_log_in(Role(name=fields["username"], password=fields["password"]))

    def logged(self) -> str:
        return self._server.log_text()[self._from :]


class MysqlTarget(ConformanceTarget):
    """Accounts of a MySQL or MariaDB server; with `administered`, its superuser changes them."""

    def __init__(self, server: MysqlDatabase, *, administered: bool, grants: str = "") -> None:
        self._server = server
        self._administered = administered
        self._grants = grants

    @property
    def admin(self) -> SecretValue | None:
        if not self._administered:
            return None
        return SecretValue.from_json(self._server.secret_value(self._server.superuser))

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"length": "24"}

    def new_credential(self, name: str) -> SecretValue:
        account = self._server.new_account(name=name)
        if self._grants:
            self._server.execute(f"GRANT {self._grants} TO {account.spec}")
        return SecretValue.from_json(self._server.secret_value(account))

    def logs_in(self, value: SecretValue) -> bool:
        fields = value.fields()
        account = Account(name=fields["username"], password=fields["password"])
        return self._server.can_log_in(account)
