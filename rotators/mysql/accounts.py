"""What MySQL's catalogue says of accounts."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymysql.cursors import DictCursor

from rotators.mysql.options import options
from rotators.mysql_protocol.accounts import Account
from rotators.mysql_protocol.server import version_numbers
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained
from rotators.mysql_protocol.verifiers import CACHING_SHA2, NATIVE, SHA256, belongs

PASSWORD_PLUGINS = frozenset({CACHING_SHA2, NATIVE, SHA256})

_PLUGIN = re.compile(r" IDENTIFIED WITH '([^']+)'")
_FAILURES = re.compile(r" FAILED_LOGIN_ATTEMPTS (\d+)")
_HISTORY = re.compile(r" PASSWORD HISTORY (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlAccount(Account):
    """One row of mysql.user.

    Attributes:
        plugin: how it is authenticated.
        first: what is stored of its first password.
        second: what is stored of the one that RETAIN CURRENT PASSWORD kept, None where there is none.
        failures: failed logins in a row that lock it, 0 for no limit.
        history: newest passwords that can't be taken again, None for the server's default.
        factors: it asks for more than a password.
    """

    plugin: str
    first: str
    second: str | None
    failures: int
    history: int | None
    factors: bool = False

    def has_first(self, password: str) -> bool:
        """Whether it is the first password."""
        return belongs(password, plugin=self.plugin, stored=self.first)

    def has_second(self, password: str) -> bool:
        """Whether it is the second one."""
        return self.second is not None and belongs(password, plugin=self.plugin, stored=self.second)

    def accepts(self, password: str) -> bool:
        """Whether it is one of the two."""
        return self.has_first(password) or self.has_second(password)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """What a user may see of its own account: no password, whether first or second."""

    plugin: str
    failures: int
    history: int | None


def read_accounts(session: Session, user: str) -> list[MysqlAccount]:
    """All accounts of the user, as an admin sees them.

    Raises:
        TargetRefused: the session may not read mysql.user.
    """
    # Columns differ between releases, so all of them are read.
    with explained("reading the accounts"), session.cursor(DictCursor) as cursor:
        cursor.execute("SELECT * FROM mysql.user WHERE User = %s ORDER BY Host", (user,))
        rows: Sequence[dict[str, Any]] = cursor.fetchall()
    version = version_numbers(session.version)
    return [_account(row, version) for row in rows]


def read_own(session: Session) -> OwnAccount:
    """The session's own account."""
    with explained("reading the session's own account"):
        text = str(session.run("SHOW CREATE USER CURRENT_USER()")[0][0])
    return parse_own(text)


def parse_own(text: str) -> OwnAccount:
    """What SHOW CREATE USER says of an account."""
    plugin, failures, history = (pattern.search(text) for pattern in (_PLUGIN, _FAILURES, _HISTORY))
    return OwnAccount(
        plugin=plugin[1] if plugin else "",
        failures=int(failures[1]) if failures else 0,
        history=int(history[1]) if history else None,
    )


def _account(row: dict[str, Any], version: tuple[int, ...]) -> MysqlAccount:
    attributes = json.loads(row.get("User_attributes") or "{}")
    locking = attributes.get("Password_locking", {})
    return MysqlAccount(
        user=row["User"],
        host=row["Host"],
        locked=row.get("account_locked") == "Y",
        plugin=row["plugin"],
        first=row["authentication_string"] or "",
        second=attributes.get("additional_password"),
        failures=int(locking.get("failed_login_attempts", 0)),
        history=row.get("Password_reuse_history"),
        factors="multi_factor_authentication" in attributes,
        options=options(row, attributes, version=version),
    )
