"""What an account may do everywhere, as SHOW GRANTS tells."""

import re
from dataclasses import dataclass

from rotators.mysql_protocol.server import version_numbers
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained

_GLOBAL = re.compile(r"GRANT (?P<privileges>.+) ON \*\.\* TO ")
_SYSTEM = re.compile(r"GRANT (?P<privileges>.+) ON [`\"]?mysql[`\"]?\.")

POWERFUL = frozenset(
    {
        "ALL PRIVILEGES",
        "BINLOG_ADMIN",
        "CREATE ROLE",
        "CREATE USER",
        "DROP ROLE",
        "FILE",
        "GRANT OPTION",
        "PASSWORDLESS_USER_ADMIN",
        "ROLE_ADMIN",
        "SET USER",
        "SET_ANY_DEFINER",
        "SET_USER_ID",
        "SHUTDOWN",
        "SUPER",
        "SYSTEM_USER",
        "SYSTEM_VARIABLES_ADMIN",
    }
)
"""Privileges on *.* by which an account could make itself an administrator, or stop the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Privileges on everything.

    Attributes:
        everywhere: on *.*, such as `CREATE USER`.
        writes_accounts: it may change tables of the system schema.
    """

    everywhere: frozenset[str]
    writes_accounts: bool = False

    @property
    def powers(self) -> tuple[str, ...]:
        """Why the account counts as privileged; empty where it doesn't."""
        own = tuple(sorted(self.everywhere & POWERFUL))
        return (*own, "changes of the schema mysql") if self.writes_accounts else own

    def may(self, privilege: str) -> bool:
        """Whether it has a privilege on *.*."""
        return not self.everywhere.isdisjoint({privilege, "ALL PRIVILEGES"})


def own_grants(session: Session) -> Grants:
    """Those of the session, its active roles included."""
    with explained("reading the privileges of the session"):
        rows = session.run(f"SHOW GRANTS FOR CURRENT_USER(){active_roles(session)}")
    return parse_grants([str(row[0]) for row in rows])


def active_roles(session: Session) -> str:
    """What SHOW GRANTS needs to list those of the session's roles.

    MariaDB lists a role's privileges by itself, and MySQL 5.7 has no roles.
    """
    if session.mariadb or version_numbers(session.version) < (8,):
        return ""
    roles = session.run("SELECT CURRENT_ROLE()")[0][0]
    return "" if roles == "NONE" else f" USING {roles}"


def account_grants(session: Session, account: str) -> Grants:
    """Those of another account, its roles left out; `account` is quoted."""
    with explained("reading the privileges of the accounts"):
        rows = session.run(f"SHOW GRANTS FOR {account}")
    return parse_grants([str(row[0]) for row in rows])


def parse_grants(lines: list[str]) -> Grants:
    """What the lines of SHOW GRANTS say."""
    everywhere: set[str] = set()
    system: set[str] = set()
    for line in lines:
        for pattern, found in ((_GLOBAL, everywhere), (_SYSTEM, system)):
            match = pattern.match(line)
            if match:
                found |= {privilege.strip() for privilege in match["privileges"].split(",")}
        if _GLOBAL.match(line) and line.endswith("WITH GRANT OPTION"):
            everywhere.add("GRANT OPTION")
    writing = {"ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE"}
    return Grants(everywhere=frozenset(everywhere), writes_accounts=not writing.isdisjoint(system))
