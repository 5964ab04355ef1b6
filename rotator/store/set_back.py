"""What is left of rotations' time after the store's clock was set back: as much as before."""

from datetime import timedelta

from sqlalchemy import bindparam, or_, select, text, update

from rotator.store.tables import ACTIVE_ROTATION, Instant, rotations
from rotator.store.tx import Tx

_R = rotations.c
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
