"""Records and checkpoints that have no place in a chain: whoever walks the chains never comes past them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, text

from rotator.store.audit_chain import CHECKPOINTS, SHARDS, UNCHAINED, Link
from rotator.store.audit_walk import rows_after
from rotator.store.tables import audit
from rotator.store.tx import Tx

_STRAY_SHARDS = (
    select(audit.c.shard, func.min(audit.c.seq).label("seq"))
    .where((audit.c.shard < UNCHAINED) | (audit.c.shard > SHARDS[-1]))
    .group_by(audit.c.shard)
)
# In one statement, so that it sees records and heads of one moment.
_BEYOND = text(
    "SELECT heads.shard AS shard, min(audit.seq) AS seq FROM audit_heads AS heads "
    "JOIN audit ON audit.shard = heads.shard AND audit.seq > heads.seq "
    "GROUP BY heads.shard ORDER BY heads.shard"
)
_CHECKPOINTS_BEYOND = text(
    "SELECT min(audit_checkpoints.seq) FROM audit_checkpoints, audit_heads AS heads "
    "WHERE heads.shard = -2 AND audit_checkpoints.seq > heads.seq"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """The first record without a place, of its kind and shard."""

    shard: int
    seq: int
    meaning: str


def found(tx: Tx, bases: Mapping[int, Link]) -> Iterator[Stray]:
    """Those that there are.

    Args:
        bases: what is before the first record that is kept, of each chain.
    """
    for row in (*tx.execute(_STRAY_SHARDS), *tx.execute(_BEYOND)):
        yield Stray(shard=row.shard, seq=row.seq, meaning="it has no place in a chain")
    beyond = tx.execute(_CHECKPOINTS_BEYOND).scalar_one()
    if beyond is not None:
        yield Stray(shard=CHECKPOINTS, seq=beyond, meaning="it is after the last checkpoint")
    for shard, base in bases.items():
        rows = rows_after(tx, shard, -(2**63), limit=1)
        if rows and rows[0]["seq"] <= base.seq:
            yield Stray(shard=shard, seq=rows[0]["seq"], meaning="it was pruned, and is back")
