"""Secrets in the order of their rows, a stretch at a time: for what is done with each of them now and then."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from rotator.store.tables import secrets
from rotator.store.tx import Tx

_S = secrets.c
_BOUNDS = select(func.min(_S.id).label("first"), func.max(_S.id).label("last"))
_ROTATING = (
    select(_S.id, _S.arn, _S.name, _S.rotator, _S.authority)
    .where(
        _S.id > bindparam("after"),
        _S.id <= bindparam("until"),
        _S.account == bindparam("at_account"),
        _S.region == bindparam("at_region"),
        _S.rotation_enabled,
        _S.rotator.is_not(None),
        _S.deleted_at.is_(None),
    )
    .order_by(_S.id)
    .limit(bindparam("most"))
)
_ARNS = (
    select(_S.rotator, func.min(_S.name).label("example"))
    .where(
        _S.account == bindparam("at_account"),
        _S.region == bindparam("at_region"),
        _S.rotator.startswith("arn:"),
        _S.deleted_at.is_(None),
    )
    .group_by(_S.rotator)
    .order_by(_S.rotator)
)


class RotaRow(NamedTuple):
    """A secret that rotates."""

    id: int
    arn: str
    name: str
    rotator: str
    authority: dict[str, Any] | None


def bounds(tx: Tx) -> tuple[int, int] | None:
    """The first and the last row id; None where there is no secret."""
    row = tx.execute(_BOUNDS).one_or_none()
    return None if row is None or row.first is None else (row.first, row.last)


def rotators_by_arn(tx: Tx, *, account: str, region: str) -> Sequence[tuple[str, str]]:
    """The ARNs that secrets name for their rotators, each with the first secret that does. Reads every secret's row."""
    rows = tx.execute(_ARNS, {"at_account": account, "at_region": region})
    return [(row.rotator, row.example) for row in rows]


def rotating(
    tx: Tx, *, account: str, region: str, after: int, until: int, limit: int
) -> Sequence[RotaRow]:
    """Secrets that rotate, of those whose row ids are greater than `after` and not greater than `until`."""
    of = {"at_account": account, "at_region": region, "after": after, "until": until, "most": limit}
    return [RotaRow._make(row) for row in tx.execute(_ROTATING, of)]
