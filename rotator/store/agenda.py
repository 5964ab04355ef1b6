"""What is to be done, and when the next thing will be: read through indexes, so it costs what is due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, func, select, text

from rotator.store.tables import ACTIVE_ROTATION, Instant, rotations, secrets
from rotator.store.tx import Tx

_S, _R = secrets.c, rotations.c
_WITHIN = (_S.account == bindparam("at_account"), _S.region == bindparam("at_region"))
_NOW = bindparam("at_time", type_=Instant)

# One whose window has closed is given another due time first.
_SCHEDULED = (
    select(_S.arn, _S.name, _S.rotator, _S.authority, _S.due_at.label("since"))
    .where(
        *_WITHIN,
        _S.due_at <= _NOW,
        _S.window_end > _NOW,
        _S.rotation_enabled,
        _S.deleted_at.is_(None),
        ~exists().where(_R.secret_id == _S.id, text(ACTIVE_ROTATION)),
    )
    .order_by(_S.due_at, _S.id)
    .limit(bindparam("most"))
)
_OF_ROTATION = select(
    _S.arn,
    _S.name,
    _R.rotator,
    _S.authority,
    func.coalesce(_R.next_attempt_at, _R.updated_at).label("since"),
    _R.owner,
    _R.lease_expires,
    _R.lease_epoch,
    _R.updated_at,
).join(secrets, _S.id == _R.secret_id)
_WAITING = (
    _OF_ROTATION.where(
        *_WITHIN, _R.status.in_(["waiting", "grace", "abandoning"]), _R.next_attempt_at <= _NOW
    )
    .order_by(_R.next_attempt_at, _R.id)
    .limit(bindparam("most"))
)
# At work, or left by a process that is gone: as many as run at once.
_HELD = _OF_ROTATION.where(
    *_WITHIN, _R.status.in_(["running", "abandoning"]), _R.next_attempt_at.is_(None)
).order_by(_R.created_at)
_NEXT_DUE = select(func.min(_S.due_at, type_=Instant)).where(_S.due_at > _NOW)
_NEXT_ATTEMPT = select(func.min(_R.next_attempt_at, type_=Instant)).where(
    _R.status == bindparam("at_status"), _R.next_attempt_at > _NOW
)


class DueRow(NamedTuple):
    """A secret that is to be rotated.

    Attributes:
        authority: what was pinned for it, with the target's host and port.
        since: when that became due.
    """

    arn: str
    name: str
    rotator: str
    authority: dict[str, Any] | None
    since: datetime


class HeldRow(NamedTuple):
    """A secret with a rotation that is not over, and the lease of that; the first columns are those of `DueRow`."""

    arn: str
    name: str
    rotator: str
    authority: dict[str, Any] | None
    since: datetime
    owner: str | None
    lease_expires: float | None
    lease_epoch: str | None
    updated_at: datetime


def scheduled(tx: Tx, *, account: str, region: str, limit: int) -> Sequence[DueRow]:
    """Secrets in whose window the planned moment has come, the earliest first; none with a rotation under way."""
    of = {"at_account": account, "at_region": region, "at_time": tx.now, "most": limit}
    return [DueRow._make(row) for row in tx.execute(_SCHEDULED, of)]


def waiting(tx: Tx, *, account: str, region: str, limit: int) -> Sequence[HeldRow]:
    """Rotations whose next attempt is due, or whose grace period is over, the earliest first."""
    of = {"at_account": account, "at_region": region, "at_time": tx.now, "most": limit}
    return [HeldRow._make(row) for row in tx.execute(_WAITING, of)]


def held(tx: Tx, *, account: str, region: str) -> Sequence[HeldRow]:
    """Rotations that a process is at, or was when it died, oldest first."""
    return [
        HeldRow._make(row)
        for row in tx.execute(_HELD, {"at_account": account, "at_region": region})
    ]


def next_moment(tx: Tx) -> datetime | None:
    """When something becomes due next; None where nothing will."""
    moments = [tx.execute(_NEXT_DUE, {"at_time": tx.now}).scalar_one()]
    for status in ("waiting", "grace", "abandoning"):
        found = tx.execute(_NEXT_ATTEMPT, {"at_time": tx.now, "at_status": status})
        moments.append(found.scalar_one())
    return min((moment for moment in moments if moment is not None), default=None)
