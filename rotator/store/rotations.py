"""Queries on the rotations of one secret. Every write of a running rotation carries its fencing number."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, insert, select, text, update

from rotator.errors import FencedOut
from rotator.model.rotation import Failure, Goal, Phase, Status
from rotator.sdk import FailureKind
from rotator.store import tables
from rotator.store.rotation_row import RotationRow, failure_to_row
from rotator.store.statements import Rows
from rotator.store.tx import Tx

_R = tables.rotations.c
_ACTIVE = text(tables.ACTIVE_ROTATION)
COLUMNS = [_R[field.name] for field in fields(RotationRow)]
"""The columns of a `RotationRow`."""

_OF_SECRET = select(*COLUMNS).where(_R.secret_id == bindparam("secret_id"))
_ACTIVE_OF_SECRET = _OF_SECRET.where(_ACTIVE)
_ACTIVE_OF_SECRET_LOCKED = _ACTIVE_OF_SECRET.with_for_update(key_share=True)
_BY_ID = select(*COLUMNS).where(_R.id == bindparam("rotation_id"))
# Fencing numbers grow over all rotations of a secret; a clock may jump back.
_HISTORY = _OF_SECRET.order_by(_R.fencing.desc()).limit(bindparam("most"))
_LAST_BUT_TESTS = (
    _OF_SECRET.where(_R.goal != str(Goal.TEST)).order_by(_R.fencing.desc()).limit(bindparam("most"))
)
_FENCED = and_(_R.id == bindparam("fenced_id"), _R.fencing == bindparam("fenced_number"), _ACTIVE)
_UPDATE_FENCED = update(tables.rotations).where(_FENCED)
_REOPEN = update(tables.rotations).where(
    _R.id == bindparam("fenced_id"),
    _R.fencing == bindparam("fenced_number"),
    _R.ended_at.is_not(None),
)
_INSERT = insert(tables.rotations)


def _row(found: Rows) -> RotationRow | None:
    return next((RotationRow(**mapping) for mapping in found.mappings()), None)


def active(tx: Tx, secret_id: int, *, for_update: bool = False) -> RotationRow | None:
    """The rotation that owns the secret, or None. The caller has locked the secret's row where it means to write.

    Args:
        for_update: its owner's writes wait until this transaction ends, so that what was read still holds then.
    """
    statement = _ACTIVE_OF_SECRET_LOCKED if for_update else _ACTIVE_OF_SECRET
    return _row(tx.execute(statement, {"secret_id": secret_id}))


def get(tx: Tx, rotation_id: str) -> RotationRow | None:
    """The rotation with this id, or None."""
    return _row(tx.execute(_BY_ID, {"rotation_id": rotation_id}))


def latest(tx: Tx, secret_id: int) -> RotationRow | None:
    """The last rotation or test of a secret: the active one where there is one, for none begins before it has ended."""
    return next(iter(history(tx, secret_id, limit=1)), None)


def before_tests(tx: Tx, newest: RotationRow | None) -> RotationRow | None:
    """The last rotation of a secret that is no test, or a test that is not over.

    Args:
        newest: what `latest` gives.
    """
    if newest is None or not newest.only_tests or newest.state.status.active:
        return newest
    found = tx.execute(_LAST_BUT_TESTS, {"secret_id": newest.secret_id, "most": 1})
    return _row(found)


def history(tx: Tx, secret_id: int, *, limit: int) -> tuple[RotationRow, ...]:
    """The latest rotations of a secret, newest first."""
    found = tx.execute(_HISTORY, {"secret_id": secret_id, "most": limit}).mappings()
    return tuple(RotationRow(**mapping) for mapping in found)


def reopen(tx: Tx, row: RotationRow, *, above: int, columns: dict[str, Any]) -> int:
    """Makes an ended rotation active again, for its old credential to be retired after all.

    Args:
        above: the highest fencing number of the secret's rotations.

    Returns:
        Its fencing number, the highest from now on.

    Raises:
        FencedOut: it is no longer as it was read.
    """
    written = columns | {
        "fenced_id": row.id,
        "fenced_number": row.fencing,
        "fencing": above + 1,
        "ended_at": None,
        "updated_at": tx.now,
    }
    if tx.execute(_REOPEN, written).rowcount != 1:
        raise FencedOut("the rotation was changed by another process a moment ago")
    return above + 1


def add(tx: Tx, columns: dict[str, Any]) -> None:
    """Adds a rotation; a second active one of the same secret violates the table's unique index."""
    tx.execute(_INSERT, columns)


def update_fenced(tx: Tx, rotation_id: str, *, fencing: int, columns: dict[str, Any]) -> None:
    """Writes to a rotation on behalf of the owner with this fencing number; on PostgreSQL it also locks the row.

    Raises:
        FencedOut: another owner has taken it over, or it has ended or was abandoned.
    """
    of = {"fenced_id": rotation_id, "fenced_number": fencing, "updated_at": tx.now}
    result = tx.execute(_UPDATE_FENCED, columns | of)
    if result.rowcount != 1:
        raise FencedOut(
            "this rotation is no longer ours: it was taken over by another process or abandoned from outside"
        )


def take(tx: Tx, row: RotationRow, *, columns: dict[str, Any]) -> int:
    """Writes as the successor of whoever owned the rotation: the fencing number grows by one. Returns it."""
    update_fenced(tx, row.id, fencing=row.fencing, columns=columns | {"fencing": row.fencing + 1})
    return row.fencing + 1


def abandon(tx: Tx, row: RotationRow, *, reason: str) -> None:
    """Marks an active rotation abandoned from outside; its owner is fenced out of the store at once.

    Where a change of the target may have begun the rotation stays active (`abandoning`) until a probe settles which
    value lives, or where it is a test, until its temporary version is gone; its lease is left, so that the settling
    waits for the owner to stop.
    """
    unsettled = row.unsettled
    failure = Failure(
        phase=Phase(row.phase),
        kind=FailureKind.REFUSED,
        message=f"abandoned: {reason}",
        hint="run `rotate now` to rotate from what is AWSCURRENT now",
    )
    columns: dict[str, Any] = {
        "failure": failure_to_row(failure),
        "status": str(Status.ABANDONING if unsettled else Status.ABANDONED),
        "ended_at": None if unsettled else tx.now,
        "next_attempt_at": None,
    }
    take(tx, row, columns=columns)


def end_grace_by(tx: Tx, row: RotationRow, *, moment: datetime) -> None:
    """Makes the grace period of an old credential, and the wait for clients after it, end at a moment at the latest."""
    moments = {"next_attempt_at": row.next_attempt_at, "deadline_at": row.deadline_at}
    earlier = {name: min(at or moment, moment) for name, at in moments.items()}
    update_fenced(tx, row.id, fencing=row.fencing, columns=earlier)


def deadline(tx: Tx, seconds: float) -> datetime:
    """The moment `seconds` from now by the store's clock."""
    return tx.now + timedelta(seconds=seconds)
