"""Whether an admin may grant what a clone lacks. Pure.

Source: MySQL's manual, "GRANT Statement": whoever grants needs the privilege and GRANT OPTION, each at some level
that covers what is granted; roles take ROLE_ADMIN or their admin option (MariaDB: the admin option).
"""

import re
from collections.abc import Iterable

from rotators.mysql_protocol.following import parts_of_all
from rotators.mysql_protocol.held import ALL, EVERYWHERE, GRANT_OPTION, Held, Kind, columns, place

_ANYBODY = "``@``"


def may_grant(admin: frozenset[Held], each: Held) -> bool:
    """Whether somebody who holds `admin` may grant it to another account."""
    match each.kind:
        case Kind.PRIVILEGE:
            return _may_grant_privilege(admin, each)
        case Kind.DYNAMIC:
            return Held(Kind.DYNAMIC, each.on, each.name, option=True) in admin
        case Kind.ROLE:
            all_roles = {held.name for held in admin} & {"ROLE_ADMIN", "SUPER"}
            return bool(all_roles) or Held(Kind.ROLE, "", each.name, option=True) in admin
        case Kind.PROXY:
            known = {each.on, _ANYBODY}
            # An administrator of MariaDB may, without a row that says so; MySQL 8 lists ALL on everything one by one.
            everything = {h.name for h in admin if h.on == EVERYWHERE and h.kind is Kind.PRIVILEGE}
            return everything >= {ALL, GRANT_OPTION} or any(
                h.kind is Kind.PROXY and h.on in known and h.option for h in admin
            )
    return True


def _may_grant_privilege(admin: Iterable[Held], each: Held) -> bool:
    names = {h.name for h in admin if h.kind is Kind.PRIVILEGE and _covers(h.on, each.on)}
    if GRANT_OPTION not in names:
        return False
    if each.name == ALL and each.on != EVERYWHERE and names.issuperset(parts_of_all(each.on)):
        return True  # MySQL 8 lists all privileges on everything one by one
    return not names.isdisjoint({each.name, columns(each.name)[0], ALL})


def _covers(admins: str, on: str) -> bool:
    if admins in (EVERYWHERE, on):
        return True
    if on == EVERYWHERE:
        return False
    _, pattern, everything = place(admins)
    database = place(on)[1]
    return everything == "*" and (
        pattern == database or _like(pattern).fullmatch(_unescaped(database)) is not None
    )


def _unescaped(database: str) -> str:
    return re.sub(r"\\(.)", r"\1", database)


def _like(pattern: str) -> re.Pattern[str]:
    wildcards = {"%": ".*", "_": "."}
    parts = (
        re.escape(part[1:])
        if part.startswith("\\") and len(part) > 1
        else wildcards.get(part, re.escape(part))
        for part in re.findall(r"\\.|.", pattern, re.DOTALL)
    )
    return re.compile("".join(parts), re.DOTALL | re.IGNORECASE)
