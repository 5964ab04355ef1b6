"""What makes a clone able to do what the original can, no more and no less. Pure: facts in, statements out.

The clone is a member of the original, and a setting of its own has its sessions act as the original from the login on.
So grants to the original, revocations too, count for both at once, and what either makes belongs to the original. What
a role can't have through membership follows by statements: attributes, settings, and that nothing else is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from rotators.postgresql.catalogue import Attributes
from rotators.postgresql.clone_facts import CloneFacts, Grant, Membership
from rotators.postgresql.role_settings import (
    clone_settings,
    setting_statements,
    settings_to_change,
)

NEW_ROLE = Attributes(
    superuser=False,
    createrole=False,
    createdb=False,
    replication=False,
    bypassrls=False,
    inherit=True,
    login=False,
    connection_limit=-1,
    valid_until=None,
)
"""What CREATE ROLE gives without options (PostgreSQL manual)."""

_FLAGS = ("superuser", "createrole", "createdb", "replication", "bypassrls")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePlan:
    """What setSecret does to the clone, and what its admin may not do.

    Attributes:
        statements: in their order, without the transaction's.
        not_permitted: statements that would be needed too, but that the admin lacks the rights for.
    """

    statements: tuple[sql.Composed, ...]
    not_permitted: tuple[sql.Composed, ...]


def plan_clone(facts: CloneFacts, password_verifier: sql.Literal) -> ClonePlan:
    """The statements that make the clone, or bring it up to date, and give it the password.

    The original has to exist.
    """
    statements: list[sql.Composed] = []
    not_permitted: list[sql.Composed] = []
    clone = sql.Identifier(facts.clone)
    if facts.roles.get(facts.clone) is None:
        statements.append(sql.SQL("CREATE ROLE {}").format(clone))
    statements += _membership_in_original(facts)
    for permitted, statement in (
        *_flags(facts),
        *_other_memberships(facts),
        *_direct_grants(facts),
    ):
        (statements if permitted else not_permitted).append(statement)
    wanted = clone_settings(facts.original, facts.settings[facts.original])
    changes = settings_to_change(wanted, facts.settings[facts.clone])
    permitted_changes = {
        key: text for key, text in changes.items() if key[1] not in facts.protected_settings
    }
    protected_changes = {
        key: text for key, text in changes.items() if key[1] in facts.protected_settings
    }
    statements += setting_statements(facts.clone, permitted_changes)
    not_permitted += setting_statements(facts.clone, protected_changes)
    # At the very end, so that the clone can log in only when all else holds.
    statements.append(
        sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(
            clone, _login_options(facts), password_verifier
        )
    )
    return ClonePlan(statements=tuple(statements), not_permitted=tuple(not_permitted))


def _attributes(facts: CloneFacts) -> tuple[Attributes, Attributes]:
    """What the original has and what the clone has."""
    clone = facts.roles.get(facts.clone)
    return facts.roles.by_name[facts.original].attributes, clone.attributes if clone else NEW_ROLE


def _login_options(facts: CloneFacts) -> sql.Composed:
    """LOGIN and what goes with it, as far as the clone lacks it.

    INHERIT always, whatever the original has: the right to connect to the database comes through the membership.
    """
    wanted, have = _attributes(facts)
    options: list[sql.Composable] = [sql.SQL("LOGIN"), sql.SQL("INHERIT")]
    if wanted.connection_limit != have.connection_limit:
        options.append(sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(wanted.connection_limit)))
    valid_until = wanted.valid_until or "infinity"
    if valid_until != (have.valid_until or "infinity"):
        options.append(sql.SQL("VALID UNTIL {}").format(sql.Literal(valid_until)))
    return sql.SQL(" ").join(options)


def _flags(facts: CloneFacts) -> Iterator[tuple[bool, sql.Composed]]:
    wanted, have = _attributes(facts)
    for flag in _FLAGS:
        if getattr(wanted, flag) != getattr(have, flag):
            option = sql.SQL(("" if getattr(wanted, flag) else "NO") + flag.upper())
            statement = sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(facts.clone), option)
            yield _may_give(facts, flag), statement


def _may_give(facts: CloneFacts, flag: str) -> bool:
    """Whether the admin may give or take the attribute.

    Source: PostgreSQL manual, CREATE ROLE, notes: up to 15 CREATEROLE is enough for CREATEDB and CREATEROLE; from 16 on
    it gives only what the admin has itself.
    """
    own = facts.roles.acting.attributes
    if own.superuser or flag == "createrole":
        return True
    if facts.roles.version < 160000:
        return flag == "createdb"
    return flag != "superuser" and bool(getattr(own, flag))


def _membership_in_original(facts: CloneFacts) -> Iterator[sql.Composed]:
    rows = [row for row in facts.memberships if row.role == facts.original]
    names = {"original": sql.Identifier(facts.original), "clone": sql.Identifier(facts.clone)}
    if not (any(row.may_set for row in rows) and any(row.inherits for row in rows)):
        options = " WITH INHERIT TRUE, SET TRUE" if facts.roles.version >= 160000 else ""
        yield sql.SQL("GRANT {original} TO {clone}" + options).format(**names)
    for row in rows:
        if row.admin_option and row.revocable:
            revoke = sql.SQL("REVOKE ADMIN OPTION FOR {original} FROM {clone}").format(**names)
            yield sql.Composed([revoke, _granted_by(facts, row)])


def _other_memberships(facts: CloneFacts) -> Iterator[tuple[bool, sql.Composed]]:
    for row in facts.memberships:
        if row.role != facts.original:
            revoke = sql.SQL("REVOKE {} FROM {}").format(
                sql.Identifier(row.role), sql.Identifier(facts.clone)
            )
            yield row.revocable, sql.Composed([revoke, _granted_by(facts, row)])


def _granted_by(facts: CloneFacts, row: Membership) -> sql.Composable:
    """From PostgreSQL 16 on each grantor's grant is one of its own."""
    if facts.roles.version < 160000:
        return sql.SQL("")
    return sql.SQL(" GRANTED BY {}").format(sql.Identifier(row.grantor))


def _direct_grants(facts: CloneFacts) -> Iterator[tuple[bool, sql.Composed]]:
    for grant in facts.grants:
        if grant.keyword is not None:
            yield facts.roles.acting.attributes.superuser, _revoke(grant, facts.clone)


def _revoke(grant: Grant, clone: str) -> sql.Composed:
    # The server quoted the name already, and only it can: a routine's has its argument types.
    target = sql.SQL(f"REVOKE ALL ON {grant.keyword} {grant.identity} FROM ")
    return sql.Composed([target, sql.Identifier(clone)])
