"""The floor of a whole process: a script that imports what any such tool needs, and changes one password.

It reads host, port, user and password from standard input, as JSON, and writes the new password to standard output.
"""

import json
import secrets
import sys

import psycopg
import sqlalchemy  # noqa: F401  # imported for its cost
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql


def main() -> None:
    """One change, with the three logins of a rotation."""
    at = json.load(sys.stdin)
    place = {
        "host": at["host"],
        "port": at["port"],
        "user": at["user"],
        "dbname": "postgres",
        "sslmode": "disable",
        "gssencmode": "disable",
    }
    new = secrets.token_urlsafe(24)
    AESGCM(secrets.token_bytes(32)).encrypt(secrets.token_bytes(12), new.encode(), None)
    with psycopg.connect(**place, password=at["password"], autocommit=True) as session:
        verifier = session.pgconn.encrypt_password(
            new.encode(), at["user"].encode(), b"scram-sha-256"
        )
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        session.execute(
            statement.format(sql.Identifier(at["user"]), sql.Literal(verifier.decode()))
        )
    psycopg.connect(**place, password=new).close()
    try:
        psycopg.connect(**place, password=at["password"]).close()
    except psycopg.OperationalError:
        print(new)


if __name__ == "__main__":
    main()
