"""Unusual names work, and no password is ever in the server's log."""

import pytest
from psycopg import sql

from rotator.sdk import Candidate, Misconfigured, Rotator, SecretValue
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    attempt,
    current,
    role_of,
    rotate,
    rotation_of,
    run,
    value,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role, unique_name

NAMES = {
    "quotes": 'o\'dd "name"',
    "percent": "100 %s %(x)s %",
    "backslash": "back\\slash",
    "unicode": "Bénédicte 日本 🐘",
    "upper": "UpperCase",
    "semicolon": "; DROP ROLE postgres; --",
    "braces": "{} {0} {name}",
    "longest": "ü" * 31 + "x",
}


def named_role(server: DatabaseServer, name: str, *, room: int = 0) -> Role:
    """A role with this name, made unique where it has room, and a password as unusual."""
    unique = name if len(name.encode()) == 63 else f"{name} {unique_name('')}"
    assert len(unique.encode()) <= 63 - room
    role = Role(name=unique, password="p'w\"% \\ ü {}" + unique_name(""))
    run(server, "DROP ROLE IF EXISTS {role}", role=role.name)
    run(
        server,
        "CREATE ROLE {role} LOGIN PASSWORD {pw}",
        role=role.name,
        pw=sql.Literal(role.password),
    )
    return role


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_single_user_with_an_unusual_name(pg: DatabaseServer, name: str) -> None:
    """Names and passwords of any characters rotate, up to 63 bytes."""
    role = named_role(pg, name)
    after = rotate(SingleUser, current(pg, role))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))
    assert not pg.can_log_in(role)


def test_database_with_an_unusual_name(pg16: DatabaseServer) -> None:
    """A database's name may be as unusual, and every login is to that database."""
    name = " ".join((NAMES["quotes"], NAMES["percent"], NAMES["backslash"]))
    run(pg16, "CREATE DATABASE {db}", db=name)
    role = pg16.new_role()
    run(pg16, "GRANT CONNECT ON DATABASE {db} TO {role}", db=name, role=role.name)
    run(pg16, "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC", db=name)
    after = rotate(SingleUser, current(pg16, role, dbname=name))
    assert pg16.can_log_in(role_of(after[Candidate.CURRENT]), dbname=name)


@pytest.mark.parametrize("name", [n for key, n in NAMES.items() if key != "longest"] + ["x" * 57])
def test_alternating_users_with_an_unusual_name(pg: DatabaseServer, name: str) -> None:
    """The same names alternate, as long as the clone's name is no longer than 63 bytes."""
    role = named_role(pg, name if len(name) < 57 else "x" * 43, room=6)
    values = current(pg, role, masterarn=ADMIN_ARN)
    for _ in range(2):
        values = rotate(AlternatingUsers, values, admin=value(pg, pg.superuser))
        assert pg.can_log_in(role_of(values[Candidate.CURRENT]))
        assert pg.can_log_in(role_of(values[Candidate.PREVIOUS]))


def test_name_that_is_too_long_for_a_clone(pg16: DatabaseServer) -> None:
    """A name that leaves no room for the suffix is refused before anything is made."""
    values = current(pg16, Role(name="y" * 58, password="x"), masterarn=ADMIN_ARN)
    with attempt(AlternatingUsers) as rotator, pytest.raises(Misconfigured, match="1 bytes longer"):
        rotator.create_secret(rotation_of(values))


@pytest.mark.parametrize("kind", [SingleUser, AlternatingUsers])
def test_log_shows_verifiers_only(pg: DatabaseServer, kind: type[Rotator]) -> None:
    """With log_statement = all no password of two rotations and a revert is in the log, but their verifiers are."""
    role = pg.new_role()
    admin: SecretValue | None = value(pg, pg.superuser) if kind is AlternatingUsers else None
    values = current(pg, role, masterarn=ADMIN_ARN)
    start = len(pg.log_text())
    passwords = []
    for _ in range(2):
        values = rotate(kind, values, admin=admin)
        passwords.append(role_of(values[Candidate.CURRENT]).password)
    values = with_pending(kind, values)
    passwords.append(role_of(values[Candidate.PENDING]).password)
    with attempt(kind) as rotator:
        rotator.set_secret(rotation_of(values, admin=admin))
        rotator.revert_secret(rotation_of(values, admin=admin, live=Candidate.PENDING))
    log = pg.log_text()[start:]
    assert log.count("PASSWORD 'SCRAM-SHA-256$4096:") == 4
    assert [password for password in (*passwords, role.password) if password in log] == []


def test_sessions_carry_the_rotations_tag(pg16: DatabaseServer) -> None:
    """Every session says which rotation and owner it belongs to."""
    step = rotation_of(with_pending(SingleUser, current(pg16, pg16.new_role())))
    with attempt(SingleUser) as rotator:
        rotator.preflight(step)
        found = pg16.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (step.session_tag,)
        )
    assert found == [(1,)]
