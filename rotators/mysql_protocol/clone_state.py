"""What an account is beyond its password, and what makes a clone's the same as the original's."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rotators.mysql_protocol.following import follow
from rotators.mysql_protocol.held import EVERYWHERE, Held, Kind, columns, parse_held, place
from rotators.mysql_protocol.quoting import account
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One account.

    Attributes:
        options: REQUIRE, limits and password policy, as clauses of ALTER USER.
        held: its privileges, roles and proxies.
        default_roles: as statements name them.
    """

    options: tuple[str, ...] = ()
    held: frozenset[Held] = frozenset()
    default_roles: frozenset[str] = frozenset()

    def without(self, held: frozenset[Held]) -> "State":
        """The same account, had it never held these."""
        return replace(self, held=self.held - held)


def read_held(session: Session, user: str, host: str) -> frozenset[Held]:
    """What an account holds."""
    with explained("reading the privileges of the accounts"):
        session.run("SET SESSION sql_quote_show_create = 1")
        rows = session.run(f"SHOW GRANTS FOR {account(user, host)}")
    lines = [str(row[0]) for row in rows]
    return parse_held(lines, mariadb=session.mariadb, account=(user, host))


def statements(wanted: State, have: State, *, name: str, original: str, mariadb: bool) -> list[str]:
    """What brings the account closer to the wanted state; none where it has it.

    Args:
        wanted: the original's.
        have: the clone's.
        name: the clone's account, quoted.
        original: the original's, quoted.
        mariadb: whose the server is.
    """
    made = []
    if wanted.options != have.options:
        made.append(f"ALTER USER {name} {' '.join(wanted.options)}")
    made += follow(wanted.held, have.held, account=name, original=original, mariadb=mariadb)
    if wanted.default_roles != have.default_roles:
        roles = ", ".join(sorted(wanted.default_roles)) or "NONE"
        made.append(f"SET DEFAULT ROLE {roles} {'FOR' if mariadb else 'TO'} {name}")
    return made


def differences(wanted: State, have: State) -> Iterator[str]:
    """In what the two differ, in words."""
    for clause in wanted.options:
        if clause not in have.options:
            yield f"it is not {clause}"
    for each in sorted(wanted.held - have.held):
        yield f"it lacks {each}"
    for each in sorted(have.held - wanted.held):
        yield f"it has {each} beyond the original"
    if wanted.default_roles != have.default_roles:
        yield f"its default roles are not {', '.join(sorted(wanted.default_roles)) or 'none'}"


def without_object(
    session: Session, lacking: frozenset[Held], wanted: frozenset[Held]
) -> frozenset[Held]:
    """Those that can't be granted, for what they are on is gone: servers keep privileges on what was dropped.

    Args:
        session: of one that may grant them, and so sees what they are on.
        lacking: what would have to be granted.
        wanted: all that the original holds; CREATE on a table lets every privilege on it be granted.
    """
    gone: set[Held] = set()
    for on in {each.on for each in lacking if each.kind is Kind.PRIVILEGE}:
        if on == EVERYWHERE or place(on)[2] == "*" or _creates(on, wanted):
            continue
        found = _columns(session, on)
        gone |= {
            each
            for each in lacking
            if each.on == on and (not found or (columns(each.name)[1] or found[0]) not in found)
        }
    return frozenset(gone)


def _creates(on: str, wanted: frozenset[Held]) -> bool:
    return Held(Kind.PRIVILEGE, on, "CREATE") in wanted


def _columns(session: Session, on: str) -> list[str]:
    """The columns of a table, or the name of a routine; none where it isn't there."""
    kind, database, name = place(on)
    with explained("looking for what a privilege is on"):
        if kind:
            rows = session.run(
                "SELECT ROUTINE_NAME FROM information_schema.ROUTINES "
                "WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s AND ROUTINE_TYPE = %s",
                (database, name, kind),
            )
        else:
            rows = session.run(
                "SELECT COLUMN_NAME FROM information_schema.COLUMNS "
                "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
                (database, name),
            )
    return [str(row[0]) for row in rows]
