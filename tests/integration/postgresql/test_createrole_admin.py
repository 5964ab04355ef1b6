"""An admin that is no superuser: what it can do, and what preflight tells it to ask for."""

from typing import LiteralString

import pytest
from psycopg import sql

from rotator.sdk import Candidate, SecretValue
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    current,
    preflight,
    refusals,
    role_of,
    rotate,
    rotation_of,
    run,
    session_of,
    value,
    warnings,
)
from tests.support.postgres import DatabaseServer, Role


@pytest.fixture
def role(pg: DatabaseServer) -> Role:
    return pg.new_role()


@pytest.fixture
def admin(pg: DatabaseServer, role: Role) -> Role:
    """A role with CREATEROLE and ADMIN OPTION on the application's, and nothing else."""
    admin = pg.new_role("admin", attributes="LOGIN CREATEROLE")
    run(pg, "GRANT {role} TO {admin} WITH ADMIN OPTION", role=role.name, admin=admin.name)
    return admin


def alternating(server: DatabaseServer, role: Role) -> dict[Candidate, SecretValue]:
    return current(server, role, masterarn=ADMIN_ARN)


def test_users_take_turns(pg: DatabaseServer, role: Role, admin: Role) -> None:
    """With CREATEROLE and ADMIN OPTION three rotations work, and the clone acts as the original."""
    values = alternating(pg, role)
    for _ in range(3):
        values = rotate(AlternatingUsers, values, admin=value(pg, admin))
        assert pg.can_log_in(role_of(values[Candidate.PREVIOUS]))
    with session_of(pg, values[Candidate.CURRENT]) as session:
        assert session.execute("SELECT current_user::text").fetchone() == (role.name,)


def test_single_user_by_admin(pg: DatabaseServer, role: Role, admin: Role) -> None:
    """The same admin rotates a single user."""
    after = rotate(SingleUser, current(pg, role, masterarn=ADMIN_ARN), admin=value(pg, admin))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


@pytest.mark.parametrize("kind", [SingleUser, AlternatingUsers])
def test_missing_admin_option_is_told_with_its_statement(
    pg: DatabaseServer, role: Role, kind: type[SingleUser | AlternatingUsers]
) -> None:
    """CREATEROLE alone isn't enough from PostgreSQL 16 on; preflight's statement mends it."""
    admin = pg.new_role("admin", attributes="LOGIN CREATEROLE")
    values = alternating(pg, role)
    statement = f'GRANT "{role.name}" TO "{admin.name}" WITH ADMIN OPTION'
    assert statement in refusals(preflight(kind, rotation_of(values, admin=value(pg, admin))))
    run(pg, "GRANT {role} TO {admin} WITH ADMIN OPTION", role=role.name, admin=admin.name)
    rotate(kind, values, admin=value(pg, admin))


def test_missing_createrole_is_told_with_its_statement(
    pg: DatabaseServer, role: Role, admin: Role
) -> None:
    """ADMIN OPTION alone isn't enough either."""
    run(pg, "ALTER ROLE {admin} NOCREATEROLE", admin=admin.name)
    found = refusals(
        preflight(AlternatingUsers, rotation_of(alternating(pg, role), admin=value(pg, admin)))
    )
    assert f'ALTER ROLE "{admin.name}" CREATEROLE' in found


def test_clone_that_a_superuser_made(pg: DatabaseServer, role: Role, admin: Role) -> None:
    """A clone on which the admin has no ADMIN OPTION is told with the statement that mends it."""
    values = rotate(AlternatingUsers, alternating(pg, role), admin=value(pg, pg.superuser))
    found = refusals(preflight(AlternatingUsers, rotation_of(values, admin=value(pg, admin))))
    assert f'GRANT "{role.name}_clone" TO "{admin.name}" WITH ADMIN OPTION' in found


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ALTER ROLE {role} SET log_min_duration_statement = 5", "log_min_duration_statement"),
        ("ALTER ROLE {role} CREATEDB", "CREATEDB"),
    ],
)
def test_what_the_admin_may_not_copy_is_reported(
    pg: DatabaseServer, role: Role, admin: Role, statement: LiteralString, expected: str
) -> None:
    """What only a superuser may set is warned of with the statement, and doesn't stop the rotation."""
    run(pg, statement, role=role.name)
    values = alternating(pg, role)
    found = warnings(preflight(AlternatingUsers, rotation_of(values, admin=value(pg, admin))))
    assert "as a superuser" in found
    assert expected in found
    after = rotate(AlternatingUsers, values, admin=value(pg, admin))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


def test_users_take_turns_on_debians_release(pg_tls: DatabaseServer) -> None:
    """Over TLS, and up to PostgreSQL 15 with CREATEROLE alone, three rotations by such an admin work."""
    role, admin = pg_tls.new_role(), pg_tls.new_role("admin", attributes="LOGIN CREATEROLE")
    if pg_tls.server.version >= 160000:
        run(pg_tls, "GRANT {role} TO {admin} WITH ADMIN OPTION", role=role.name, admin=admin.name)
    group = pg_tls.new_role("group", attributes="NOLOGIN")
    values = alternating(pg_tls, role)
    trust = str(pg_tls.ca_file)
    for _ in range(3):
        values = rotate(AlternatingUsers, values, admin=value(pg_tls, admin), trust=trust)
        run(pg_tls, "GRANT {group} TO {clone}", group=group.name, clone=f"{role.name}_clone")
        run(pg_tls, "ALTER ROLE {role} SET search_path = \"$user\", 'a b'", role=role.name)
    found = run(
        pg_tls,
        "SELECT setting FROM pg_db_role_setting s, unnest(setconfig) AS setting"
        " WHERE setrole = {clone}::regrole ORDER BY 1",
        clone=sql.Literal(f'"{role.name}_clone"'),
    )
    assert found == [(f"role={role.name}",), ('search_path="$user", "a b"',)]
    with session_of(pg_tls, values[Candidate.CURRENT]) as session:
        assert session.execute("SELECT current_user::text").fetchone() == (role.name,)
