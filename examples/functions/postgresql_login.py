"""How the functions for PostgreSQL log in and set a password: as a SCRAM verifier, so that no log has it in clear."""

import psycopg
from psycopg import sql


def connect(value):
    """A session of the user in a secret's value, None where the server refuses the password."""
    try:
        return psycopg.connect(
            host=value["host"],
            port=value.get("port", 5432),
            user=value["username"],
            password=value["password"],
            dbname=value.get("dbname", "postgres"),
            sslmode="verify-full" if value.get("ssl", True) else "disable",
            connect_timeout=5,
            options="-c statement_timeout=10000 -c lock_timeout=5000",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            return None
        raise


def verifier(session, value):
    """The new password as the server keeps it."""
    password, name = value["password"].encode(), value["username"].encode()
    return sql.Literal(session.pgconn.encrypt_password(password, name, b"scram-sha-256").decode())


def test(value):
    """Raises an exception unless the value logs in and may ask something."""
    session = connect(value)
    if session is None:
        raise ValueError("the server refuses the pending password")
    with session:
        session.execute("SELECT now()")
