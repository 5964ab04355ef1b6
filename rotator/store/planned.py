"""Secrets whose due times are to be worked out anew."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, func, select, text

from rotator.store.secrets import SecretRow
from rotator.store.tables import Instant, rotations, secrets
from rotator.store.tx import Tx

_S = secrets.c
_SELECT = select(*(_S[name] for name in SecretRow._fields)).where(
    _S.account == bindparam("at_account"), _S.region == bindparam("at_region")
)
_NEXT_BASIS = select(func.min(_S.due_basis)).where(_S.due_basis > bindparam("last"))
_WITH_BASIS = (
    _SELECT.where(_S.due_basis == bindparam("at_basis"), _S.id > bindparam("after"))
    .order_by(_S.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
# A rotation that runs past the end of its window stores the next one when it ends.
_MISSED = (
    _SELECT.where(
        _S.due_at <= bindparam("at_time", type_=Instant),
        _S.window_end <= bindparam("at_time", type_=Instant),
        _S.id > bindparam("after"),
        ~exists().where(
            rotations.c.secret_id == _S.id,
            text("rotations.status IN ('running', 'waiting', 'abandoning')"),
        ),
    )
    .order_by(_S.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)


def bases(tx: Tx) -> Iterator[str]:
    """Each basis that due times of the store have, once; it costs what there are different ones."""
    last: str | None = ""
    while (last := tx.execute(_NEXT_BASIS, {"last": last}).scalar_one()) is not None:
        yield last


def with_basis(
    tx: Tx, basis: str, *, account: str, region: str, after: int, limit: int
) -> Sequence[SecretRow]:
    """Secrets whose due time has a basis, by row id; those that another transaction has are left to it."""
    where = {"at_account": account, "at_region": region, "at_basis": basis}
    found = tx.execute(_WITH_BASIS, {**where, "after": after, "most": limit})
    return [SecretRow._make(row) for row in found]


def missed(
    tx: Tx, *, account: str, region: str, now: datetime, after: int, limit: int
) -> Sequence[SecretRow]:
    """Secrets whose window has closed and that no rotation is at work on; the rest as for `with_basis`."""
    where = {"at_account": account, "at_region": region, "at_time": now}
    found = tx.execute(_MISSED, {**where, "after": after, "most": limit})
    return [SecretRow._make(row) for row in found]
