"""A server that lets anyone in proves nothing, and is found out before and after a change."""

from collections.abc import Iterator

import pytest

from rotator.sdk import Candidate, Misconfigured, Proof, Rotation, Rotator
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    attempt,
    current,
    preflight,
    rotation_of,
    value,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role


@pytest.fixture(scope="module")
def trusting() -> Iterator[DatabaseServer]:
    """A server whose pg_hba.conf trusts everyone but its superuser."""
    hba_lines = ["host all postgres all scram-sha-256", "host all all all trust"]
    with running_postgres(embedded_binaries(16), hba_lines=hba_lines) as server:
        yield DatabaseServer(server=server)


@pytest.fixture
def step(trusting: DatabaseServer) -> Rotation:
    """A rotation by admin on the trusting server, with a pending value."""
    values = with_pending(SingleUser, current(trusting, trusting.new_role(), masterarn=ADMIN_ARN))
    return rotation_of(values, admin=value(trusting, trusting.superuser))


def test_probe_of_a_trusting_server_proves_nothing(step: Rotation) -> None:
    """A login that needed no password is no proof; the message names pg_hba.conf."""
    with (
        attempt(SingleUser) as rotator,
        pytest.raises(Misconfigured, match="lets anyone in") as caught,
    ):
        rotator.probe(step, Candidate.CURRENT)
    assert "trust, peer, ident" in str(caught.value.hint)


@pytest.mark.parametrize("by_admin", [False, True])
def test_preflight_finds_a_trusting_server(trusting: DatabaseServer, by_admin: bool) -> None:
    """Before anything is changed a trusting server is refused."""
    admin = value(trusting, trusting.superuser) if by_admin else None
    values = current(trusting, trusting.new_role(), masterarn=ADMIN_ARN if by_admin else None)
    with pytest.raises(Misconfigured, match="lets anyone in"):
        preflight(SingleUser, rotation_of(values, admin=admin))


def test_test_secret_is_not_fooled(step: Rotation) -> None:
    """TestSecret fails where any password would have done."""
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step)
        with pytest.raises(Misconfigured, match="lets anyone in"):
            rotator.test_secret(step)


def test_alternating_users_are_not_fooled(trusting: DatabaseServer) -> None:
    """The same holds for alternating users, who have no old password to be refused."""
    values = with_pending(
        AlternatingUsers, current(trusting, trusting.new_role(), masterarn=ADMIN_ARN)
    )
    step = rotation_of(values, admin=value(trusting, trusting.superuser))
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        with pytest.raises(Misconfigured, match="lets anyone in"):
            rotator.test_secret(step)


def test_random_password_is_tried_once(pg16: DatabaseServer) -> None:
    """Deliberate failures stay few: several probes of one user try a random password once."""
    values = current(pg16, pg16.new_role())
    before = pg16.log_text().count("password authentication failed")
    with attempt(SingleUser) as rotator:
        for _ in range(3):
            rotator.probe(rotation_of(values), Candidate.CURRENT)
    assert pg16.log_text().count("password authentication failed") - before == 1


@pytest.mark.parametrize("kind", [SingleUser, AlternatingUsers])
def test_a_login_tries_no_wrong_password(pg16: DatabaseServer, kind: type[Rotator]) -> None:
    """What `rotate prove` does over and over costs one login each, and no failure that could lock the user."""
    role = pg16.new_role()
    values = current(pg16, role, masterarn=ADMIN_ARN)
    before = pg16.log_text().count("password authentication failed")
    with attempt(kind) as rotator:
        assert rotator.log_in(rotation_of(values), Candidate.CURRENT) is Proof.ACCEPTED
    assert pg16.log_text().count("password authentication failed") == before
    wrong = current(pg16, Role(name=role.name, password="wrong"), masterarn=ADMIN_ARN)
    with attempt(kind) as rotator:
        assert rotator.log_in(rotation_of(wrong), Candidate.CURRENT) is Proof.REFUSED
