"""The statements that change passwords. MySQL writes no password of theirs to its logs. Pure.

Source: MySQL's manual, "ALTER USER Statement", "Dual Password Support" and "Password Logging".
"""

from collections.abc import Iterable

from rotators.mysql.accounts import MysqlAccount
from rotators.mysql_protocol.quoting import literal

RETAIN = " RETAIN CURRENT PASSWORD"
HIDDEN = "<the new password>"


def set_own(password: str, *, replacing: str | None, retain: bool) -> str:
    """The session's own account gets the password.

    Args:
        password: the new one.
        replacing: the first password, without which the server refuses: so a repetition changes nothing, and the
            second password is never taken for the first. None for servers before 8.0.13.
        retain: the first password becomes the second.
    """
    replace = "" if replacing is None else f" REPLACE {literal(replacing)}"
    return f"ALTER USER USER() IDENTIFIED BY {literal(password)}{replace}{RETAIN if retain else ''}"


def discard_own() -> str:
    """The session's own account loses its second password."""
    return "ALTER USER USER() DISCARD OLD PASSWORD"


def set_all(accounts: Iterable[MysqlAccount], password: str, *, retain: bool) -> str:
    """All of the accounts get the password and keep their plugin, or none of them does."""
    identified = f"IDENTIFIED BY {literal(password)}{RETAIN if retain else ''}"
    return "ALTER USER " + ", ".join(f"{account.name} {identified}" for account in accounts)


def discard_all(accounts: Iterable[MysqlAccount]) -> str:
    """All of the accounts lose their second password."""
    return "ALTER USER " + ", ".join(f"{account.name} DISCARD OLD PASSWORD" for account in accounts)
