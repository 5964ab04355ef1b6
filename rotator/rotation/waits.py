"""The columns of a rotation's row that say who has it for how long, and when it goes on."""

from datetime import datetime
from typing import Any

from rotator.model.rotation import MachineState, Status
from rotator.rotation.owner import Owner
from rotator.store import rotations
from rotator.store.tx import Tx

NO_LEASE: dict[str, Any] = {"owner": None, "lease_expires": None, "lease_epoch": None}


def lease_columns(tx: Tx, *, owner: Owner, seconds: float) -> dict[str, Any]:
    """The columns of a lease that begins now."""
    return {
        "owner": str(owner),
        "lease_expires": tx.lease_now + seconds,
        "lease_epoch": tx.lease_epoch,
    }


def grace_columns(tx: Tx, state: MachineState) -> tuple[datetime | None, dict[str, Any]]:
    """When the grace period ends, and its columns: a wait for clients lasts as long again at most."""
    if state.status is not Status.GRACE:
        return None, {}
    until = rotations.deadline(tx, state.delay)
    columns = {
        "next_attempt_at": until,
        "deadline_at": rotations.deadline(tx, 2 * state.delay),
    }
    return until, columns | (NO_LEASE if state.delay > 0 else {})
