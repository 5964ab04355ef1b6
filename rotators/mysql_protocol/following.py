"""The statements that make an account hold what another one holds, no more and no less. Pure.

What is added comes before what is taken away, so that a clone in use goes without nothing that both have. A privilege
on everything comes in one statement with what it doesn't reach (`GRANT … AS`), so that it is never wider. One pass may
not be enough: REVOKE of one privilege opens ALL PRIVILEGES into its list, and on a table it takes the columns'
along. Whoever runs the statements reads again and goes on until none is left.
Source: MySQL's manual, "GRANT Statement", "REVOKE Statement", "Privilege Restriction Using Partial Revokes"; MariaDB's
documentation, "GRANT", "REVOKE".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rotators.mysql_protocol.held import ALL, EVERYWHERE, GRANT_OPTION, Held, Kind, columns, place

_ON_TABLES = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER",
    "CREATE VIEW", "SHOW VIEW", "TRIGGER",
)  # fmt: skip
"""Privileges on a table, a database and everything alike."""

_ON_DATABASES = (
    "EXECUTE", "EVENT", "LOCK TABLES", "CREATE ROUTINE", "ALTER ROUTINE", "CREATE TEMPORARY TABLES"
)  # fmt: skip


def follow(
    wanted: frozenset[Held],
    have: frozenset[Held],
    *,
    account: str,
    original: str,
    mariadb: bool,
) -> list[str]:
    """Statements after which the account, which has `have`, is closer to having `wanted`; none where it does.

    Args:
        wanted: what it shall hold.
        have: what it holds.
        account: quoted.
        original: the account that holds what is wanted, quoted.
        mariadb: whose the server is.
    """
    adding: list[str] = []
    taking: list[str] = []
    for on in sorted({each.on for each in wanted | have if each.kind is Kind.PRIVILEGE}):
        give, take = _privileges(on, _names(wanted, on), _names(have, on))
        limits = f" AS {original}" if on == EVERYWHERE and give & _restricted(wanted) else ""
        adding += [_grant(give, on, account) + limits] if give else []
        taking += [f"REVOKE {_listed(take)} ON {on} FROM {account}"] if take else []
    adding += _with_options(wanted, have, account=account, mariadb=mariadb)
    adding += _restrictions(wanted, have, account)
    for each in sorted(have - wanted):
        still = Held(each.kind, each.on, each.name, not each.option)
        if each.kind in _TAKEN and still not in wanted:
            taking.append(_TAKEN[each.kind].format(name=each.name, on=each.on, account=account))
    return adding + taking


_GIVEN: Mapping[Kind, str] = {
    Kind.DYNAMIC: "GRANT {name} ON {on} TO {account}",
    Kind.ROLE: "GRANT {name} TO {account}",
    Kind.PROXY: "GRANT PROXY ON {on} TO {account}",
}
_TAKEN: Mapping[Kind, str] = {
    Kind.DYNAMIC: "REVOKE {name} ON {on} FROM {account}",
    Kind.ROLE: "REVOKE {name} FROM {account}",
    Kind.PROXY: "REVOKE PROXY ON {on} FROM {account}",
}


def grant_of(each: Held, *, account: str) -> str:
    """The statement that lets `account` hold it and pass it on: for the one who lacks it."""
    if each.kind is Kind.PRIVILEGE:
        name = "USAGE" if each.name == GRANT_OPTION else each.name
        return f"GRANT {name} ON {each.on} TO {account} WITH GRANT OPTION"
    option = "ADMIN" if each.kind is Kind.ROLE else "GRANT"
    given = _GIVEN[each.kind].format(name=each.name, on=each.on, account=account)
    return f"{given} WITH {option} OPTION"


def _names(held: Iterable[Held], on: str) -> frozenset[str]:
    return frozenset(each.name for each in held if each.kind is Kind.PRIVILEGE and each.on == on)


def _privileges(
    on: str, wanted: frozenset[str], have: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """What to give and what to take of the privileges on one thing."""
    if ALL in wanted:
        return wanted - have, (have & {GRANT_OPTION}) - wanted
    if ALL in have:
        whole = {columns(name)[0] for name in wanted if columns(name)[1] is None}
        first = next((name for name in parts_of_all(on) if name not in whole), None)
        option = (have & {GRANT_OPTION}) - wanted
        return wanted & ({GRANT_OPTION} - have), option | {first or ALL}
    return wanted - have, have - wanted


def _restricted(held: Iterable[Held]) -> frozenset[str]:
    """The privileges on everything that don't reach all of it."""
    return frozenset(each.name for each in held if each.kind is Kind.RESTRICTION)


def parts_of_all(on: str) -> tuple[str, ...]:
    """What ALL PRIVILEGES on it has at least, in every supported release; on everything it has more."""
    return _ON_TABLES if place(on)[2] != "*" else _ON_TABLES + _ON_DATABASES


def _grant(names: frozenset[str], on: str, account: str) -> str:
    option = " WITH GRANT OPTION" if GRANT_OPTION in names else ""
    return f"GRANT {_listed(names - {GRANT_OPTION}) or 'USAGE'} ON {on} TO {account}{option}"


def _listed(names: frozenset[str]) -> str:
    """The privileges, each with all of its columns; ALL stands alone."""
    if ALL in names:
        return ", ".join([ALL, *(names & {GRANT_OPTION})])
    by_privilege: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        privilege, opening, column = name.partition(" (")
        by_privilege[privilege] += [column[:-1]] if opening else [""]
    listed = []
    for privilege, its_columns in by_privilege.items():
        listed += [privilege] if "" in its_columns else []
        named = [column for column in its_columns if column]
        listed += [f"{privilege} ({', '.join(named)})"] if named else []
    return ", ".join(listed)


def _with_options(
    wanted: frozenset[Held], have: frozenset[Held], *, account: str, mariadb: bool
) -> list[str]:
    """Dynamic privileges, roles and proxies: a missing option is granted, one too many taken with what it is of."""
    statements = []
    for each in sorted(wanted - have):
        if each.kind not in _GIVEN:
            continue
        names = {"name": each.name, "on": each.on, "account": account}
        given = _GIVEN[each.kind].format(**names)
        if each.option:
            given += f" WITH {'ADMIN' if each.kind is Kind.ROLE else 'GRANT'} OPTION"
        elif Held(each.kind, each.on, each.name, option=True) in have:
            if each.kind is Kind.ROLE and mariadb:
                statements.append(f"REVOKE ADMIN OPTION FOR {each.name} FROM {account}")
                continue
            statements.append(_TAKEN[each.kind].format(**names))
        statements.append(given)
    return statements


def _restrictions(wanted: frozenset[Held], have: frozenset[Held], account: str) -> list[str]:
    """Partial revokes: REVOKE adds one, and GRANT lifts it, as long as the privilege on everything is there."""
    statements = []
    everywhere, already = _names(wanted, EVERYWHERE), _names(have, EVERYWHERE)
    for each in sorted(wanted ^ have):
        if each.kind is not Kind.RESTRICTION:
            continue
        if each in wanted and each.name in already:  # else it comes with the privilege
            statements.append(f"REVOKE {each.name} ON {each.on} FROM {account}")
        elif each in have and each.name in everywhere:
            statements.append(f"GRANT {each.name} ON {each.on} TO {account}")
    return statements
