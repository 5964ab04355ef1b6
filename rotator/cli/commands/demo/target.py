"""The PostgreSQL of the demo: an application's role `app`, and an admin that may change it."""

import secrets
from typing import Any

import psycopg
from psycopg import sql

from rotator.testing.postgres_server import PostgresServer

DATABASE = "shop"
USER = "app"


def prepare(server: PostgresServer) -> dict[str, Any]:
    """Makes the role with a database of its own, and gives its credential as AWS's JSON."""
    password = secrets.token_urlsafe(24)
    credential = {
        "engine": "postgres",
        "host": server.host,
        "port": server.port,
        "username": USER,
        "password": password,
        "dbname": DATABASE,
        "ssl": False,
    }
    with psycopg.connect(**_parameters(admin_credential(server)), autocommit=True) as connection:
        verifier = connection.pgconn.encrypt_password(
            password.encode(), USER.encode(), b"scram-sha-256"
        ).decode()
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(USER), verifier)
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(USER)
            )
        )
    return credential


def admin_credential(server: PostgresServer) -> dict[str, Any]:
    """The superuser's credential as AWS's JSON."""
    return {
        "engine": "postgres",
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "password": server.password,
        "dbname": "postgres",
        "ssl": False,
    }


def log_in(credential: dict[str, Any]) -> str:
    """Logs in as an application does, and gives the name that it logged in by.

    Raises:
        psycopg.OperationalError: the server refuses.
    """
    with psycopg.connect(**_parameters(credential), autocommit=True) as connection:
        row = connection.execute("SELECT session_user").fetchone()
    assert row is not None  # noqa: S101  # the statement always gives one row
    return str(row[0])


def refusal(credential: dict[str, Any]) -> str | None:
    """What the server says to a login that it refuses; None where it lets it in."""
    try:
        log_in(credential)
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
    return None


def _parameters(credential: dict[str, Any]) -> dict[str, Any]:
    return {
        "host": credential["host"],
        "port": credential["port"],
        "user": credential["username"],
        "password": credential["password"],
        "dbname": credential["dbname"],
        "sslmode": "disable",
        "gssencmode": "disable",
        "connect_timeout": 10,
    }
