"""Lines of pg_hba.conf that let only one of two alternating users in, where the admin may read the file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import errors
from psycopg.rows import class_row

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.postgresql.clone_facts import CloneFacts
from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained

_RULES = """
SELECT line_number AS line, database AS databases, user_name AS users, auth_method AS method
FROM pg_hba_file_rules
WHERE error IS NULL AND type <> 'local'
ORDER BY line_number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of pg_hba.conf (PostgreSQL manual, "The pg_hba.conf File")."""

    line: int
    databases: list[str]
    users: list[str]
    method: str

    def matches(self, user: str, *, groups: frozenset[str], database: str) -> bool:
        """Whether the line is for this user and database, from some address."""
        return any(_names_user(entry, user, groups) for entry in self.users) and any(
            _names_database(entry, database, user, groups) for entry in self.databases
        )


def read_hba(session: Session) -> tuple[Rule, ...]:
    """The lines for network connections; none where the session may not read them."""
    with explained("reading pg_hba.conf"):
        try:
            return tuple(session.cursor(row_factory=class_row(Rule)).execute(_RULES))
        except errors.InsufficientPrivilege:
            return ()


def hba_findings(rules: Sequence[Rule], facts: CloneFacts, *, database: str) -> Iterator[Finding]:
    """What keeps the clone out where the original gets in. The clone counts as a member of the original."""
    original = facts.roles.get(facts.original)
    groups = original.may_act_as if original else frozenset()
    clone_groups = groups | {facts.original}
    letting_in = [rule for rule in rules if rule.method != "reject"]
    for_original = [
        r for r in letting_in if r.matches(facts.original, groups=groups, database=database)
    ]
    for_clone = [
        r for r in letting_in if r.matches(facts.clone, groups=clone_groups, database=database)
    ]
    original_only = [rule for rule in for_original if rule not in for_clone]
    if not original_only:
        return
    lines = ", ".join(str(rule.line) for rule in original_only)
    message = (
        f'pg_hba.conf, line {lines}: lets "{facts.original}" in and not its clone "{facts.clone}"'
    )
    remedy = f"write {facts.original},{facts.clone} there instead, then: SELECT pg_reload_conf()"
    if for_clone:
        yield finding.warning(
            f"{message}; another line lets the clone in, maybe from elsewhere", remedy
        )
    else:
        yield finding.refusal(f"{message}, and no other line does", remedy)


def _names_user(entry: str, user: str, groups: frozenset[str]) -> bool:
    if entry.startswith("+"):
        return entry[1:] in groups | {user}
    return entry in ("all", user) or _is_pattern_for(entry, user)


def _names_database(entry: str, database: str, user: str, groups: frozenset[str]) -> bool:
    return (
        entry in ("all", database)
        or (entry == "sameuser" and database == user)
        or (entry in ("samerole", "samegroup") and database in groups | {user})
        or _is_pattern_for(entry, database)
    )


def _is_pattern_for(entry: str, name: str) -> bool:
    """Whether a line of PostgreSQL 16 or later, `/pattern`, is for the name; a pattern that Python can't read is."""
    if not entry.startswith("/"):
        return False
    try:
        return re.search(entry[1:], name) is not None
    except re.error:
        return True
