"""Stores as the tests name them."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import URL

from rotator.crypto.audit_key import GivenAuditKey
from tests.support.postgres import DatabaseServer, Role

AUDIT_KEY_TEXT = base64.b64encode(bytes(range(32))).decode()
"""The audit key of the stores that tests make, as the setting `audit.key` takes it."""

AUDIT_KEY = GivenAuditKey(AUDIT_KEY_TEXT)

only_sqlite = pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
"""For a test of what SQLite alone does."""

only_postgresql = pytest.mark.parametrize("store_engine", ["postgresql"], indirect=True)
"""For a test of what PostgreSQL alone does."""


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite store at `path`."""
    return f"sqlite:///{path}"


def postgresql_url(
    server: DatabaseServer, role: Role, *, dbname: str, address: tuple[str, int] | None = None
) -> str:
    """The URL of a PostgreSQL store; `address` is a proxy's where one stands before the server."""
    host, port = address or (server.host, server.port)
    url = URL.create(
        "postgresql",
        username=role.name,
        password=role.password,
        host=host,
        port=port,
        database=dbname,
        query={"sslmode": "disable", "gssencmode": "disable"},
    )
    return url.render_as_string(hide_password=False)
