"""Leases by the store's clock."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.model.rotation import MachineState
from rotator.store import open_rotations, rotations, tables
from rotator.store.store import Store, Tx
from tests.support.manager import ME, begin_rotation, token, value

ADMIN = "arn:admin"


@pytest.fixture
def rotation_id(store: Store, sealer: Sealer) -> str:
    """A rotation whose owner holds a lease of a minute."""
    SecretsManager(store, sealer).create_secret(**ME, name="db", value=value("v1"))
    rotation_id = begin_rotation(store, "db", token=token(9), state=MachineState())
    with store.write() as tx:
        tx.connection.execute(update(tables.rotations).values(admin_arn=ADMIN))
    return rotation_id


def leased(tx: Tx, rotation_id: str) -> bool:
    """Whether the lease runs; whoever asks for the users of its admin secret is told the same."""
    row = rotations.get(tx, rotation_id)
    assert row is not None
    running = row.leased(tx)
    assert bool(open_rotations.users_of_admin(tx, ADMIN)) is running
    return running


def test_a_lease_runs_until_it_expires(store: Store, rotation_id: str) -> None:
    """A lease stands while it runs, and not after."""
    with store.write() as tx:
        assert leased(tx, rotation_id)
        columns = {"lease_expires": tx.lease_now - 0.001}
        rotations.update_fenced(tx, rotation_id, fencing=1, columns=columns)
        assert not leased(tx, rotation_id)


def test_a_clock_that_was_set_back_extends_no_lease(store: Store, rotation_id: str) -> None:
    """On PostgreSQL a lease that was given in the future is over; on SQLite leases run on a clock that never jumps."""
    jump = timedelta(hours=1)
    with store.write() as tx:
        jumped = jump.total_seconds() if tx.dialect == "postgresql" else 0.0
        tx.connection.execute(
            update(tables.rotations).values(
                updated_at=tx.now + jump, lease_expires=tx.lease_now + jumped + 60
            )
        )
        assert leased(tx, rotation_id) is (tx.dialect == "sqlite")
