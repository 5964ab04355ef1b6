"""What MariaDB's catalogue says of accounts."""

import json
import re
from dataclasses import dataclass
from typing import Any

from rotators.mariadb.methods import Method
from rotators.mariadb.options import options
from rotators.mysql_protocol.accounts import Account
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained
from rotators.mysql_protocol.verifiers import NATIVE

_ACCOUNTS = "SELECT User, Host, Priv FROM mysql.global_priv WHERE User = %s ORDER BY Host"
_ONE_HASH = re.compile(
    r" IDENTIFIED (?:BY PASSWORD|VIA (?P<plugin>\w+) USING) '(?P<stored>[^']*)'(?! OR )"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MariadbAccount(Account):
    """One row of mysql.global_priv that is no role.

    Attributes:
        methods: how it is authenticated, in the order in which the server tries them.
    """

    methods: tuple[Method, ...]

    def accepts(self, password: str) -> bool:
        """Whether one of its methods lets the password in."""
        return any(method.accepts(password) for method in self.methods)


def read_accounts(session: Session, user: str) -> list[MariadbAccount]:
    """All accounts of the user, as an admin sees them.

    Raises:
        TargetRefused: the session may not read mysql.global_priv.
    """
    with explained("reading the accounts"):
        rows = session.run(_ACCOUNTS, (user,))
    parsed = ((user, host, json.loads(privileges)) for user, host, privileges in rows)
    return [_account(user, host, facts) for user, host, facts in parsed if not facts.get("is_role")]


def read_own_method(session: Session) -> Method | None:
    """The only method of the session's own account; None where it has several, or one without a hash."""
    with explained("reading the session's own account"):
        text = str(session.run("SHOW CREATE USER CURRENT_USER()")[0][0])
    return parse_only_method(text)


def parse_only_method(text: str) -> Method | None:
    """The only method that SHOW CREATE USER names, None where there are several or one without a hash."""
    found = _ONE_HASH.search(text)
    if found is None:
        return None
    return Method(plugin=found["plugin"] or NATIVE, stored=found["stored"])


def _account(user: str, host: str, facts: dict[str, Any]) -> MariadbAccount:
    own = _method(facts)
    # In a list the empty object stands for the method that the row itself names.
    listed = [_method(each) if each else own for each in facts.get("auth_or", [])]
    return MariadbAccount(
        user=user,
        host=host,
        locked=bool(facts.get("account_locked")),
        methods=tuple(listed) or (own,),
        options=options(facts),
    )


def _method(facts: dict[str, Any]) -> Method:
    return Method(
        plugin=facts.get("plugin") or NATIVE, stored=facts.get("authentication_string") or ""
    )
