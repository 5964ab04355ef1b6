"""Rotates between two PostgreSQL users that take turns, NAME and NAME_clone; the one in use keeps its password.

The secret: {"engine": "postgres", "host", "port", "username", "password", "dbname", "ssl", "masterarn"}. The secret
that `masterarn` names logs in to the same server as a role that may create roles.
"""

import postgresql_login
from contract import other_user, rotate, same_server
from psycopg import sql


class AlternatingUsers:
    def new_value(self, versions):
        current = versions.current
        username = other_user(current["username"])
        return {**current, "username": username, "password": versions.new_password()}

    def set(self, versions):
        current, pending = versions.current, versions.pending
        session = postgresql_login.connect(pending)
        if session is not None:  # an earlier invocation has set it
            session.close()
            return
        if pending["username"] != other_user(current["username"]):
            raise ValueError("the pending user is not the one whose turn it is")
        same_server(current, pending)
        if (session := postgresql_login.connect(current)) is None:
            raise ValueError("the current password does not log in")
        session.close()
        admin = versions.admin(current["masterarn"])
        same_server(current, admin)
        if (session := postgresql_login.connect(admin)) is None:
            raise ValueError("the admin's password does not log in")
        with session:
            _give(session, current["username"], pending)

    def test(self, value):
        postgresql_login.test(value)


def _give(session, original, pending):
    name = sql.Identifier(pending["username"])
    password = postgresql_login.verifier(session, pending)
    found = session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [pending["username"]])
    if found.fetchone() is None:
        with session.transaction():
            session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
            session.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(original), name))
    else:
        session.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, password))


def lambda_handler(event, context):
    rotate(event, AlternatingUsers())
