"""Rotates the password of a PostgreSQL user, who changes it himself.

The secret: {"engine": "postgres", "host", "port", "username", "password", "dbname", "ssl"}.
"""

import postgresql_login
from contract import rotate, same_server
from psycopg import sql


class SingleUser:
    def new_value(self, versions):
        return {**versions.current, "password": versions.new_password()}

    def set(self, versions):
        pending = versions.pending
        session = postgresql_login.connect(pending)
        if session is not None:  # an earlier invocation has set it
            session.close()
            return
        for known in (versions.current, versions.previous):
            if known is None or known["username"] != pending["username"]:
                continue
            same_server(known, pending)
            session = postgresql_login.connect(known)
            if session is not None:
                break
        else:
            raise ValueError("neither the current nor the previous password logs in")
        with session:
            session.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(pending["username"]), postgresql_login.verifier(session, pending)
                )
            )

    def test(self, value):
        postgresql_login.test(value)


def lambda_handler(event, context):
    rotate(event, SingleUser())
