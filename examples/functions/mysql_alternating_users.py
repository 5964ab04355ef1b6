"""Rotates between two MySQL or MariaDB users that take turns, NAME and NAME_clone; the one in use keeps its password.

The secret: {"engine": "mysql", "host", "port", "username", "password", "dbname", "ssl", "masterarn"}. The secret that
`masterarn` names logs in to the same server as a user that may create users and pass on what the first one has.
"""

import re
import secrets

import mysql_login
from contract import other_user, rotate, same_server

_GRANT = re.compile(r"(GRANT .+ TO )([`'].+?[`']@[`'].+?[`'])( WITH GRANT OPTION)?.*", re.DOTALL)


class AlternatingUsers:
    def new_value(self, versions):
        current = versions.current
        username = other_user(current["username"])
        return {**current, "username": username, "password": versions.new_password()}

    def set(self, versions):
        current, pending = versions.current, versions.pending
        session = mysql_login.connect(pending)
        if session is not None:  # an earlier invocation has set it
            session.close()
            return
        if pending["username"] != other_user(current["username"]):
            raise ValueError("the pending user is not the one whose turn it is")
        same_server(current, pending)
        if (session := mysql_login.connect(current)) is None:
            raise ValueError("the current password does not log in")
        session.close()
        admin = versions.admin(current["masterarn"])
        same_server(current, admin)
        if (session := mysql_login.connect(admin)) is None:
            raise ValueError("the admin's password does not log in")
        with session:
            _give(session, current["username"], pending)

    def test(self, value):
        mysql_login.test(value)


def _give(session, original, pending):
    name, password = pending["username"], pending["password"]
    hosts = mysql_login.execute(session, "SELECT Host FROM mysql.user WHERE User = %s", [original])
    for (host,) in hosts:
        # The pending password comes last: once it logs in, a repeated invocation takes all for done.
        nobodys = secrets.token_urlsafe(24) + "aA1!"
        mysql_login.execute(
            session, "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", [name, host, nobodys]
        )
        for (grant,) in mysql_login.execute(session, "SHOW GRANTS FOR %s@%s", [original, host]):
            found = _GRANT.fullmatch(grant)
            if found is None:
                raise ValueError("a grant of the current user is not understood")
            # What a grant has of %, a pattern of names, is no place for a parameter.
            before = found.group(1).replace("%", "%%")
            mysql_login.execute(session, before + "%s@%s" + (found.group(3) or ""), [name, host])
        mysql_login.execute(session, "ALTER USER %s@%s IDENTIFIED BY %s", [name, host, password])


def lambda_handler(event, context):
    rotate(event, AlternatingUsers())
