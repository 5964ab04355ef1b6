"""Values and sessions of PostgreSQL roles, for rotations that are driven verb by verb."""

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from rotator.sdk import Candidate, SecretValue
from tests.support.postgres import DatabaseServer, Role
from tests.support.rotations import (
    ADMIN_ARN,
    Values,
    attempt,
    preflight,
    refusals,
    rotate,
    rotation_of,
    warnings,
    with_pending,
)

__all__ = [
    "ADMIN_ARN",
    "Values",
    "attempt",
    "current",
    "preflight",
    "refusals",
    "role_of",
    "rotate",
    "rotation_of",
    "run",
    "session_of",
    "value",
    "warnings",
    "with_pending",
]


def value(
    server: DatabaseServer, role: Role, *, dbname: str = "postgres", **fields: Any
) -> SecretValue:
    """The role's secret; further fields replace or, with None, remove what it has."""
    parsed = server.secret_value(role, dbname=dbname) | fields
    return SecretValue.from_json(
        {name: field for name, field in parsed.items() if field is not None}
    )


def current(server: DatabaseServer, role: Role, **fields: Any) -> Values:
    """The values of a secret that was never rotated."""
    return {Candidate.CURRENT: value(server, role, **fields)}


def role_of(secret: SecretValue) -> Role:
    """The role and password that a value holds."""
    fields = secret.fields()
    return Role(name=fields["username"], password=fields["password"])


def session_of(
    server: DatabaseServer, secret: SecretValue, *, dbname: str = "postgres"
) -> psycopg.Connection[tuple[Any, ...]]:
    """A plain client's session with this credential."""
    return server.connect(role_of(secret), dbname=dbname)


def run(
    server: DatabaseServer,
    statement: LiteralString,
    *,
    dbname: str = "postgres",
    **names: str | sql.Composable,
) -> list[tuple[Any, ...]]:
    """The superuser's statement with identifiers (or, as sql.Literal, values) put in; its rows."""
    parts = {
        key: name if isinstance(name, sql.Composable) else sql.Identifier(name)
        for key, name in names.items()
    }
    with server.connect(dbname=dbname) as session:
        cursor = session.execute(sql.SQL(statement).format(**parts))
        return cursor.fetchall() if cursor.description else []
