"""pg_hba.conf lines that name only one of two alternating users, on real servers."""

from collections.abc import Iterator

import pytest

from rotator.sdk import Candidate
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from rotators.postgresql import AlternatingUsers
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    current,
    preflight,
    refusals,
    role_of,
    rotate,
    rotation_of,
    run,
    value,
    warnings,
)
from tests.support.postgres import DatabaseServer, Role


@pytest.fixture(scope="module")
def strict() -> Iterator[DatabaseServer]:
    """A server that lets in one user by name, one also from a second line, and one by membership."""
    hba_lines = [
        "host all postgres 127.0.0.1/32 scram-sha-256",
        "host all alone 127.0.0.1/32 scram-sha-256",
        "host all twice 127.0.0.1/32 scram-sha-256",
        "host all /^twice_ 127.0.0.1/32 scram-sha-256",
        "host all +grouped 127.0.0.1/32 scram-sha-256",
    ]
    with running_postgres(embedded_binaries(16), hba_lines=hba_lines) as server:
        database_server = DatabaseServer(server=server)
        for name in ("alone", "twice", "grouped"):
            run(database_server, "CREATE ROLE {role} LOGIN PASSWORD 'x'", role=name)
        yield database_server


def test_line_that_names_only_the_original_is_refused(strict: DatabaseServer) -> None:
    """Where no line would let the clone in, preflight says which line to change, and how."""
    values = current(strict, Role(name="alone", password="x"), masterarn=ADMIN_ARN)
    found = refusals(
        preflight(AlternatingUsers, rotation_of(values, admin=value(strict, strict.superuser)))
    )
    assert 'pg_hba.conf, line 2: lets "alone" in and not its clone' in found
    assert "alone,alone_clone" in found


def test_line_that_names_only_the_original_beside_another_is_warned_of(
    strict: DatabaseServer,
) -> None:
    """Where another line lets the clone in, a warning is enough."""
    values = current(strict, Role(name="twice", password="x"), masterarn=ADMIN_ARN)
    admin = value(strict, strict.superuser)
    found = preflight(AlternatingUsers, rotation_of(values, admin=admin))
    assert "pg_hba.conf, line 3" in warnings(found)
    after = rotate(AlternatingUsers, values, admin=admin)
    assert strict.can_log_in(role_of(after[Candidate.CURRENT]))


def test_line_for_members_of_the_original_lets_the_clone_in(strict: DatabaseServer) -> None:
    """A line with +original is for the clone as well, since the clone is a member."""
    values = current(strict, Role(name="grouped", password="x"), masterarn=ADMIN_ARN)
    admin = value(strict, strict.superuser)
    assert "pg_hba.conf" not in warnings(
        preflight(AlternatingUsers, rotation_of(values, admin=admin))
    )
    after = rotate(AlternatingUsers, values, admin=admin)
    assert strict.can_log_in(role_of(after[Candidate.CURRENT]))
