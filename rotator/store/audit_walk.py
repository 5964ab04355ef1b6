"""The rows of a chain in their order, a batch at a time, each compared with the one before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from rotator.crypto.audit_key import AuditKey
from rotator.store.audit_chain import CHECKPOINTS, Link, link_mac
from rotator.store.tables import audit, audit_checkpoints
from rotator.store.tx import Tx

BATCH: Final = 2000

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is not as it was written.

    Attributes:
        seq: of the first record that is wrong or missing.
        missing: it is not there; else it was altered.
    """

    seq: int
    missing: bool


_RECORDS = (
    select(audit)
    .where(audit.c.shard == bindparam("at_shard"), audit.c.seq > bindparam("after"))
    .order_by(audit.c.seq)
    .limit(bindparam("most"))
)
_CHECKPOINTS = (
    select(audit_checkpoints)
    .where(audit_checkpoints.c.seq > bindparam("after"))
    .order_by(audit_checkpoints.c.seq)
    .limit(bindparam("most"))
)


def rows_after(tx: Tx, shard: int, seq: int, *, limit: int) -> Sequence[Columns]:
    """The next rows of a chain; fewer than there are where one of them can't be read at all."""
    try:
        return _read(tx, shard, seq, limit=limit)
    except (ValueError, TypeError, OverflowError):
        return _readable(tx, shard, seq, limit=limit)


def linked(
    key: AuditKey, link: Link, rows: Sequence[Columns], *, upto: int
) -> tuple[Sequence[Link], Break | None]:
    """The places of the rows in the chain after `link`, as far as they are right, and where they are not.

    Args:
        upto: the last number that the chain has.
    """
    links: list[Link] = []
    for row in rows:
        columns = dict(row)
        mac = columns.pop("mac")
        if columns["seq"] > upto:
            break
        if columns["seq"] != link.seq + 1:
            return links, Break(link.seq + 1, missing=True)
        if not _same(key, link, columns, mac):
            return links, Break(link.seq + 1, missing=False)
        link = Link(shard=link.shard, seq=link.seq + 1, mac=mac)
        links.append(link)
    return links, None


def older(rows: Sequence[Columns], before: datetime) -> int:
    """How many of the first rows are older than a moment."""
    return next((place for place, row in enumerate(rows) if row["at"] >= before), len(rows))


def _same(key: AuditKey, link: Link, columns: Columns, mac: Any) -> bool:
    try:
        return isinstance(mac, bytes) and link_mac(key, link.mac, columns) == mac
    except (ValueError, TypeError):  # what no record can hold
        return False


def _read(tx: Tx, shard: int, seq: int, *, limit: int) -> Sequence[Columns]:
    if shard == CHECKPOINTS:
        rows = tx.execute(_CHECKPOINTS, {"after": seq, "most": limit})
    else:
        rows = tx.execute(_RECORDS, {"at_shard": shard, "after": seq, "most": limit})
    return list(rows.mappings())


def _readable(tx: Tx, shard: int, seq: int, *, limit: int) -> Sequence[Columns]:
    found: list[Columns] = []
    while len(found) < limit:
        try:
            [*one] = _read(tx, shard, seq, limit=1)
        except (ValueError, TypeError, OverflowError):
            # A row in its place that has no code of its own: it is told as altered.
            found.append({"seq": seq + 1, "mac": None})
            break
        if not one:
            break
        found += one
        seq = one[0]["seq"]
    return found
