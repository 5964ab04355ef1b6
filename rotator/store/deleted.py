"""Secrets that are marked for deletion, and whose recovery window is over."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, select, text

from rotator.store.left_over import OF_VERSION
from rotator.store.secrets import SecretRow
from rotator.store.tables import ACTIVE_ROTATION, Instant, rotations, secrets, versions
from rotator.store.tx import Tx

# A rotation that was abandoned and is not settled keeps its secret, as a pinned version does, but for one that was
# pinned only for its credential to be retired, where that has failed for good.
_PURGEABLE = (
    select(*(secrets.c[name] for name in SecretRow._fields))
    .where(
        secrets.c.account == bindparam("at_account"),
        secrets.c.region == bindparam("at_region"),
        secrets.c.purge_at <= bindparam("at_time", type_=Instant),
        ~exists().where(
            versions.c.secret_id == secrets.c.id,
            versions.c.pinned,
            ~exists().where(OF_VERSION).correlate(versions),
        ),
        ~exists().where(
            rotations.c.secret_id == secrets.c.id,
            text(ACTIVE_ROTATION),
        ),
    )
    .order_by(secrets.c.purge_at, secrets.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_OVERDUE = (
    select(secrets.c.name)
    .where(
        secrets.c.account == bindparam("at_account"),
        secrets.c.region == bindparam("at_region"),
        secrets.c.purge_at <= bindparam("at_time", type_=Instant),
    )
    .order_by(secrets.c.purge_at, secrets.c.id)
    .limit(bindparam("most"))
)


def purgeable(
    tx: Tx, *, account: str, region: str, now: datetime, limit: int
) -> Sequence[SecretRow]:
    """Secrets whose recovery window is over and whose targets hold nothing unsettled; the longest due first.

    They are locked for this transaction; those that another one has are left to it.
    """
    where = {"at_account": account, "at_region": region, "at_time": now, "most": limit}
    return [SecretRow._make(row) for row in tx.execute(_PURGEABLE, where)]


def overdue(tx: Tx, *, account: str, region: str, limit: int) -> tuple[str, ...]:
    """Names of the secrets whose recovery window is over; the longest due first."""
    where = {"at_account": account, "at_region": region, "at_time": tx.now, "most": limit}
    return tuple(tx.execute(_OVERDUE, where).scalars())
