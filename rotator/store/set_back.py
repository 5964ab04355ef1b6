"""What is left of rotations' time after the store's clock was set back: as much as before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, text, update

from rotator.store.tables import ACTIVE_ROTATION, Instant, audit, audit_heads, rotations
from rotator.store.tx import Tx

EVENT = "ClockSetBack"
"""Of the record that it was followed."""

_SLACK = timedelta(seconds=2)  # what is recorded side by side isn't in order to the millisecond
_R, _A = rotations.c, audit.c
_LATEST = select(func.max(_A.at)).where(_A.shard >= 0)
_FOLLOWED = select(_A.detail).where(_A.event == EVENT)
_SHARDS = select(audit_heads.c.shard, audit_heads.c.seq).where(audit_heads.c.shard >= 0)
_LAST_BEFORE = select(func.max(_A.seq)).where(
    _A.shard == bindparam("at_shard"), _A.at > bindparam("at_now", type_=Instant)
)
_FIRST_AFTER = select(func.min(_A.at)).where(
    _A.shard == bindparam("at_shard"), _A.seq > bindparam("at_seq")
)
_AT_HEAD = select(_A.at).where(_A.shard == bindparam("at_shard"), _A.seq == bindparam("at_seq"))
_BEFORE_IT = (
    select(_R.id, _R.next_attempt_at, _R.deadline_at)
    .where(
        text(ACTIVE_ROTATION),
        # What was written since is right by the clock as it is.
        or_(
            _R.updated_at < bindparam("since", type_=Instant),
            _R.updated_at > bindparam("until", type_=Instant),
        ),
    )
    .order_by(_R.id)
    .with_for_update()
)
_MOVE = (
    update(rotations)
    .where(_R.id == bindparam("at_id"))
    .values(next_attempt_at=bindparam("next_attempt_at"), deadline_at=bindparam("deadline_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBack:
    """That the store's clock told a later time before.

    Attributes:
        back: by how much it was set back, at least.
        within: how long ago, at most.
    """

    back: timedelta
    within: timedelta


def noticed(tx: Tx) -> SetBack | None:
    """What the audit tells of a clock that was set back while nobody watched it; None where nothing is to be done.

    Its last record was made later than now, by the clock of that time.
    """
    latest = latest_moment(tx)
    if latest is None or latest <= tx.now + _SLACK or latest <= _followed(tx):
        return None
    since = [moment for moment in _written_since(tx) if moment is not None]
    within = tx.now - min(since) if since else timedelta(0)
    return SetBack(back=latest - tx.now, within=max(within, timedelta(0)))


def latest_moment(tx: Tx) -> datetime | None:
    """The latest that the store's clock has told, as far as the audit knows; None where that is empty."""
    found: datetime | None = tx.execute(_LATEST).scalar_one()
    return found


def _followed(tx: Tx) -> datetime:
    """Up to which moment it was followed already that the clock went back from there."""
    followed = [
        datetime.fromisoformat(detail["latest"])
        for detail in tx.execute(_FOLLOWED).scalars()
        if isinstance(detail, dict) and isinstance(detail.get("latest"), str)
    ]
    return max(followed, default=datetime.min.replace(tzinfo=tx.now.tzinfo))


def _written_since(tx: Tx) -> list[datetime | None]:
    """When each shard was first written after the clock was set back. Of one that tells nothing, when it last was."""
    moments: list[datetime | None] = []
    for shard, seq in tx.execute(_SHARDS):
        at = {"at_shard": shard, "at_now": tx.now + _SLACK}
        before = tx.execute(_LAST_BEFORE, at).scalar_one()
        known = seq if before is None else before
        statement = _AT_HEAD if before is None else _FIRST_AFTER
        moments.append(
            tx.execute(statement, {"at_shard": shard, "at_seq": known}).scalar_one_or_none()
        )
    return moments


def follow(tx: Tx, *, back: timedelta, within: timedelta) -> int:
    """Moves the next attempts, ends of grace periods and deadlines of all rotations that are not over.

    Those that were written since the clock was set back stay as they are; of those that seem to be, because they were
    written when the clock told the same times before, it can't be told.

    Args:
        back: by how much.
        within: how long ago at most.

    Returns:
        How many were moved.
    """
    since = {"since": tx.now - within, "until": tx.now + timedelta(seconds=1)}
    moved = [
        {
            "at_id": row.id,
            "next_attempt_at": row.next_attempt_at and row.next_attempt_at - back,
            "deadline_at": row.deadline_at - back,
        }
        for row in tx.execute(_BEFORE_IT, since)
    ]
    if moved:
        tx.execute(_MOVE, moved)
    return len(moved)
