"""The statements that bring a clone up to date, for facts that the servers under test don't have."""

from dataclasses import replace
from typing import Any

import pytest
from psycopg import sql

from rotator.sdk import Level, Rotation
from rotators.postgresql.catalogue import Attributes, Role, Roles
from rotators.postgresql.clone_facts import CloneFacts, Membership
from rotators.postgresql.clone_findings import clone_findings
from rotators.postgresql.clone_plan import NEW_ROLE, plan_clone
from rotators.postgresql.findings import administration_findings, server_findings

LOGIN = replace(NEW_ROLE, login=True)
ADMIN = replace(LOGIN, createrole=True)
SUPERUSER = replace(LOGIN, superuser=True)


def role(name: str, attributes: Attributes = LOGIN, *, admin_option: bool = True) -> Role:
    return Role(
        name=name,
        oid=1,
        attributes=attributes,
        expired=False,
        may_act_as=frozenset(),
        powers=(),
        admin_option=admin_option,
    )


def facts(
    *,
    version: int,
    admin: Attributes = ADMIN,
    original: Attributes = LOGIN,
    clone: Attributes | None = None,
    memberships: tuple[Membership, ...] = (),
) -> CloneFacts:
    by_name = {"u": role("u", original)}
    if clone is not None:
        by_name["u_clone"] = role("u_clone", clone)
    return CloneFacts(
        database="db",
        original="u",
        clone="u_clone",
        roles=Roles(
            version=version,
            fsync=True,
            synchronous_standbys="",
            acting=role("admin", admin),
            by_name=by_name,
        ),
        settings={"u": {}, "u_clone": {}},
        protected_settings=frozenset(),
        memberships=memberships,
        grants=(),
        dependents=(),
    )


def planned(known: CloneFacts) -> tuple[list[str], list[str]]:
    plan = plan_clone(known, sql.Literal("verifier"))
    return [s.as_string() for s in plan.statements], [s.as_string() for s in plan.not_permitted]


def test_password_comes_last() -> None:
    """The clone can log in only after everything else is done."""
    statements, _ = planned(facts(version=160014))
    assert statements[-1] == "ALTER ROLE \"u_clone\" LOGIN INHERIT PASSWORD 'verifier'"


@pytest.mark.parametrize(
    ("version", "grant"),
    [
        (140018, 'GRANT "u" TO "u_clone"'),
        (150018, 'GRANT "u" TO "u_clone"'),
        (160014, 'GRANT "u" TO "u_clone" WITH INHERIT TRUE, SET TRUE'),
        (180004, 'GRANT "u" TO "u_clone" WITH INHERIT TRUE, SET TRUE'),
    ],
)
def test_membership_is_granted_in_the_servers_dialect(version: int, grant: str) -> None:
    """The options of a membership are named from PostgreSQL 16 on."""
    assert grant in planned(facts(version=version))[0]


@pytest.mark.parametrize(
    ("version", "admin", "attribute", "permitted"),
    [
        (150018, ADMIN, "createdb", True),
        (150018, ADMIN, "replication", False),
        (160014, ADMIN, "createdb", False),
        (160014, replace(ADMIN, createdb=True), "createdb", True),
        (160014, replace(ADMIN, replication=True), "replication", True),
        (160014, ADMIN, "createrole", True),
        (160014, ADMIN, "superuser", False),
        (180004, SUPERUSER, "superuser", True),
    ],
)
def test_attributes_that_the_admin_may_give(
    version: int, admin: Attributes, attribute: str, permitted: bool
) -> None:
    """An attribute of the original is given where the admin may, else reported."""
    given: dict[str, Any] = {attribute: True}
    original = replace(LOGIN, **given)
    statements, missing = planned(facts(version=version, admin=admin, original=original))
    statement = f'ALTER ROLE "u_clone" {attribute.upper()}'
    assert (statement in statements) is permitted
    assert (statement in missing) is not permitted


def test_attribute_that_the_original_lost_is_taken_away() -> None:
    """Revocations follow too."""
    known = facts(version=180004, admin=SUPERUSER, clone=replace(LOGIN, createdb=True))
    assert 'ALTER ROLE "u_clone" NOCREATEDB' in planned(known)[0]


def membership(name: str, *, revocable: bool = True, admin_option: bool = False) -> Membership:
    return Membership(
        role=name,
        grantor="g",
        admin_option=admin_option,
        may_set=True,
        inherits=True,
        revocable=revocable,
    )


def test_memberships_of_the_clones_own_are_revoked_where_permitted() -> None:
    """From 16 on each grantor's grant is revoked as such; what isn't permitted is reported."""
    rows = (membership("u", admin_option=True), membership("a"), membership("b", revocable=False))
    statements, missing = planned(facts(version=160014, clone=LOGIN, memberships=rows))
    assert 'REVOKE "a" FROM "u_clone" GRANTED BY "g"' in statements
    assert 'REVOKE ADMIN OPTION FOR "u" FROM "u_clone" GRANTED BY "g"' in statements
    assert missing == ['REVOKE "b" FROM "u_clone" GRANTED BY "g"']
    older, _ = planned(facts(version=150018, clone=LOGIN, memberships=rows))
    assert 'REVOKE "a" FROM "u_clone"' in older


def rotation() -> Rotation:
    return Rotation(
        rotation_id="r",
        secret_arn="arn:s",
        secret_name="s",
        token="t",
        fencing=1,
        attempt=1,
        values={},
        deadline=0.0,
    )


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        (140014, True),
        (140015, False),
        (150009, True),
        (160004, False),
        (160005, True),
        (160006, False),
        (170001, True),
        (170002, False),
        (180001, False),
    ],
)
def test_minor_releases_that_ignore_role_settings(version: int, refused: bool) -> None:
    """The four releases that ignored ALTER ROLE … SET role are refused, with the one that mends it."""
    found = [
        f
        for f in clone_findings(facts(version=version), rotation(), database="db")
        if f.level is Level.REFUSAL
    ]
    assert [f.remedy for f in found] == (
        [f"upgrade the server to {version // 10000}.{version % 10000 + 1} or later"]
        if refused
        else []
    )


def levels(roles: Roles, *, standby: bool = False) -> list[Level]:
    return [f.level for f in server_findings(roles, standby=standby)]


def test_old_servers_and_standbys_are_refused() -> None:
    """PostgreSQL before 14, and a standby, are no targets."""
    assert levels(facts(version=130020).roles) == [Level.REFUSAL]
    assert levels(facts(version=160014).roles) == [Level.OK]
    assert levels(facts(version=160014).roles, standby=True) == [Level.OK, Level.REFUSAL]


@pytest.mark.parametrize(
    ("version", "attributes", "admin_option", "administered"),
    [
        (150018, LOGIN, False, True),
        (150018, replace(LOGIN, replication=True), False, False),
        (160014, LOGIN, False, False),
        (160014, LOGIN, True, True),
        (160014, replace(LOGIN, replication=True), True, True),
        (160014, SUPERUSER, True, False),
    ],
)
def test_whom_a_createrole_admin_may_administer(
    version: int, attributes: Attributes, admin_option: bool, administered: bool
) -> None:
    """CREATEROLE is enough up to 15; from 16 on it takes ADMIN OPTION; a superuser is out of reach always."""
    roles = facts(version=version).roles
    found = list(administration_findings(roles, role("u", attributes, admin_option=admin_option)))
    assert (found == []) is administered
