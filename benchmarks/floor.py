"""The floor: what a rotation costs with nothing but psycopg, on the same server."""

import secrets

import psycopg
from psycopg import sql

from rotator.testing.postgres_server import PostgresServer


def connect(server: PostgresServer, user: str, password: str) -> psycopg.Connection:
    """One login, as a client makes it."""
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=user,
        password=password,
        dbname="postgres",
        sslmode="disable",
        gssencmode="disable",
        autocommit=True,
    )


def change_password(server: PostgresServer, user: str, password: str) -> str:
    """Current logs in and sets a verifier, new logs in, old is refused. Gives the new password."""
    new = secrets.token_urlsafe(24)
    with connect(server, user, password) as session:
        verifier = session.pgconn.encrypt_password(new.encode(), user.encode(), b"scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        session.execute(statement.format(sql.Identifier(user), sql.Literal(verifier.decode())))
    connect(server, user, new).close()
    try:
        connect(server, user, password).close()
    except psycopg.OperationalError:
        return new
    raise AssertionError("the old password still logs in")
