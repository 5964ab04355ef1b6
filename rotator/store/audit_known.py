"""What the audit knows of secrets: the records of their changes, read through their index and played back."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import bindparam, select, text, tuple_

from rotator.store.changes import Change, Known
from rotator.store.database import Database
from rotator.store.tables import audit
from rotator.store.tx import Tx

_PAGE: Final = 2000

_A = audit.c
_IS_CHANGE = text("revision IS NOT NULL")  # in the words of its partial index
_PLACE = (_A.secret_arn, _A.revision, _A.shard, _A.seq)
_CHANGES = select(*_PLACE, _A.event, _A.detail).where(_IS_CHANGE)
_OF_ONE = _CHANGES.where(_A.secret_arn == bindparam("at_arn"))
_FIRST = _CHANGES.order_by(*_PLACE).limit(_PAGE)
_NEXT = (
    _CHANGES.where(
        _A.secret_arn >= bindparam("arn"),
        tuple_(*_PLACE)
        > tuple_(bindparam("arn"), bindparam("revision"), bindparam("shard"), bindparam("seq")),
    )
    .order_by(*_PLACE)
    .limit(_PAGE)
)
_KNOWN_ONES = (
    select(_A.secret_arn)
    .where(_IS_CHANGE, _A.secret_arn.in_(bindparam("at_arns", expanding=True)))
    .distinct()
)


def everything(store: Database) -> Iterator[Known]:
    """Each secret that records of changes name, in the order of ARNs; a page of records a transaction."""
    arn: str | None = None
    changes: list[Change] = []
    for row in _rows(store):
        if row["secret_arn"] != arn:
            if arn is not None:
                yield Known.of(arn, changes)
            arn, changes = row["secret_arn"], []
        changes.append(_change(row))
    if arn is not None:
        yield Known.of(arn, changes)


def one(tx: Tx, arn: str) -> Known | None:
    """What records of changes give of one secret, None where there are none."""
    changes = [_change(row) for row in tx.execute(_OF_ONE, {"at_arn": arn}).mappings()]
    return Known.of(arn, changes) if changes else None


def known_among(tx: Tx, arns: list[str]) -> frozenset[str]:
    """Those of the ARNs that records of changes name."""
    return frozenset(tx.execute(_KNOWN_ONES, {"at_arns": arns}).scalars())


def _rows(store: Database) -> Iterator[Mapping[str, Any]]:
    after: Mapping[str, Any] | None = None
    while True:
        with store.read() as tx:
            if after is None:
                found = tx.execute(_FIRST)
            else:
                place = {column.name: after[column.name] for column in _PLACE}
                found = tx.execute(_NEXT, {**place, "arn": place["secret_arn"]})
            page = list(found.mappings())
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]


def _change(row: Mapping[str, Any]) -> Change:
    detail = row["detail"] if isinstance(row["detail"], dict) else {}
    said = detail.get("left")
    return Change(
        event=row["event"],
        revision=row["revision"],
        seq=row["seq"],
        left=said if isinstance(said, dict) else {},
    )
