"""How the functions for MySQL and MariaDB log in."""

import pymysql
from pymysql.constants import ER


def connect(value):
    """A session of the user in a secret's value, None where the server refuses the password."""
    tls = {"ssl": {"check_hostname": True}} if value.get("ssl", True) else {"ssl_disabled": True}
    try:
        return pymysql.connect(
            host=value["host"],
            port=value.get("port", 3306),
            user=value["username"],
            password=value["password"],
            database=value.get("dbname"),
            connect_timeout=5,
            read_timeout=10,
            write_timeout=10,
            autocommit=True,
            **tls,
        )
    except pymysql.OperationalError as error:
        if error.args[0] == ER.ACCESS_DENIED_ERROR:
            return None
        raise


def execute(session, statement, parameters=()):
    """The rows that a statement gives."""
    with session.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def test(value):
    """Raises an exception unless the value logs in and may ask something."""
    session = connect(value)
    if session is None:
        raise ValueError("the server refuses the pending password")
    with session:
        execute(session, "SELECT NOW()")
