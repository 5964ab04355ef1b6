"""Rotates the password of a MySQL or MariaDB user, who changes it himself.

The secret: {"engine": "mysql", "host", "port", "username", "password", "dbname", "ssl"}.
"""

import mysql_login
from contract import rotate, same_server


class SingleUser:
    def new_value(self, versions):
        return {**versions.current, "password": versions.new_password()}

    def set(self, versions):
        pending = versions.pending
        session = mysql_login.connect(pending)
        if session is not None:  # an earlier invocation has set it
            session.close()
            return
        for known in (versions.current, versions.previous):
            if known is None or known["username"] != pending["username"]:
                continue
            same_server(known, pending)
            session = mysql_login.connect(known)
            if session is not None:
                break
        else:
            raise ValueError("neither the current nor the previous password logs in")
        with session:
            mysql_login.execute(
                session, "ALTER USER CURRENT_USER() IDENTIFIED BY %s", [pending["password"]]
            )

    def test(self, value):
        mysql_login.test(value)


def lambda_handler(event, context):
    rotate(event, SingleUser())
