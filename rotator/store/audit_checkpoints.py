"""Checkpoints: signed rows that name the heads of all shards at one moment, and what was removed before.

They are a chain of their own. The latest one says where each shard's records begin since they were last pruned, and
how many records of an earlier release, which are in no chain, there have to be.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, insert, select

from rotator.crypto.audit_key import AuditKey
from rotator.errors import AuditBroken
from rotator.store import audit_heads
from rotator.store.audit_chain import (
    CHECKPOINTS,
    SHARDS,
    UNCHAINED,
    Link,
    canonical,
    link_mac,
    start,
)
from rotator.store.tables import audit, audit_checkpoints
from rotator.store.tx import Tx

EVERY: Final = 1000
"""A shard's records between two checkpoints."""

_INSERT = insert(audit_checkpoints).inline()
_LAST_TWO = (
    select(audit_checkpoints)
    .where(audit_checkpoints.c.seq <= bindparam("upto"))
    .order_by(audit_checkpoints.c.seq.desc())
    .limit(2)
)
_FINGERPRINTS = select(audit_checkpoints.c.fingerprint).distinct()
_UNCHAINED = (
    select(audit)
    .where(audit.c.shard == UNCHAINED, audit.c.seq > bindparam("after"))
    .order_by(audit.c.seq)
    .limit(1000)
)


class Reason(StrEnum):
    """Why there is a checkpoint."""

    BEGUN = "begun"
    BEGUN_ANEW = "begun-anew"  # the store had an audit, which was removed
    PERIODIC = "periodic"
    ASKED = "asked"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchained:
    """The records of an earlier release.

    Attributes:
        digest: SHA-256 over their canonical forms in their order.
    """

    count: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint.

    Attributes:
        seq: its number, from 1.
        fingerprint: of the key that signed it.
        heads: the last record of each shard.
        bases: what is before the first record that is kept, of each shard and of the checkpoints.
        mac: its code in the chain of checkpoints.
    """

    seq: int
    at: datetime
    reason: str
    fingerprint: str
    heads: Mapping[int, Link]
    bases: Mapping[int, Link]
    unchained: Unchained
    mac: bytes

    @property
    def link(self) -> Link:
        """Its place in the chain of checkpoints."""
        return Link(shard=CHECKPOINTS, seq=self.seq, mac=self.mac)


def begin(tx: Tx, key: AuditKey, *, reason: Reason) -> None:
    """Begins the audit of a store: the heads of empty chains, and the first checkpoint.

    It covers the records that an earlier release left.
    """
    origins = {shard: start(key, shard) for shard in (CHECKPOINTS, *SHARDS)}
    heads = {shard: origins[shard] for shard in SHARDS}
    first = _signed(
        tx,
        key,
        after=origins[CHECKPOINTS],
        reason=reason,
        heads=heads,
        bases=origins,
        unchained=unchained(tx),
    )
    for head in (first, *heads.values()):
        audit_heads.add(tx, key, head)


def add(
    tx: Tx,
    key: AuditKey,
    heads: Mapping[int, Link],
    *,
    reason: Reason,
    bases: Mapping[int, Link] | None = None,
    unchained: Unchained | None = None,
) -> int:
    """Writes a checkpoint over the heads and gives its number.

    Args:
        heads: of every chain, locked by this transaction.
        bases: the chains that begin elsewhere from now on.
        unchained: what is left of the records in no chain, where some were removed.

    Raises:
        AuditBroken: the checkpoint before it was altered or removed.
    """
    before = latest(tx, key, heads[CHECKPOINTS])
    signed = _signed(
        tx,
        key,
        after=before.link,
        reason=reason,
        heads={shard: heads[shard] for shard in SHARDS},
        bases={**before.bases, **(bases or {})},
        unchained=unchained or before.unchained,
    )
    if not audit_heads.move(tx, key, before.link, signed):
        raise AuditBroken("The head of the checkpoints changed while it was locked. Try again.")
    return signed.seq


def latest(tx: Tx, key: AuditKey, head: Link) -> Checkpoint:
    """The checkpoint that the head of the checkpoints names.

    Raises:
        AuditBroken: it was altered or removed.
    """
    try:
        rows = tx.execute(_LAST_TWO, {"upto": head.seq}).all()
    except (ValueError, TypeError):  # what no checkpoint can hold
        rows = []
    found = parsed(rows[0]._asdict()) if rows and rows[0].seq == head.seq else None
    if found is not None:
        before = rows[1].mac if len(rows) > 1 else found.bases[CHECKPOINTS].mac
        if found.mac == head.mac and is_signed(key, found, after=before):
            return found
    raise AuditBroken(
        f"Checkpoint {head.seq} of the audit was altered or removed. What else was: rotate audit verify"
    )


def fingerprints(tx: Tx) -> frozenset[str]:
    """Of the keys that checkpoints say they were signed with."""
    return frozenset(tx.execute(_FINGERPRINTS).scalars())


def is_signed(key: AuditKey, checkpoint: Checkpoint, *, after: bytes) -> bool:
    """Whether a checkpoint is as it was signed, after the one with the code `after`."""
    try:
        return link_mac(key, after, _columns(checkpoint)) == checkpoint.mac
    except (TypeError, ValueError):  # what no checkpoint can hold
        return False


def parsed(row: Mapping[str, Any]) -> Checkpoint | None:
    """A row as a checkpoint; None where it can't be one."""
    try:
        return Checkpoint(
            seq=row["seq"],
            at=row["at"],
            reason=row["reason"],
            fingerprint=row["fingerprint"],
            heads=_links(row["heads"]),
            bases=_links(row["bases"]),
            unchained=Unchained(count=row["unchained"], digest=row["unchained_digest"]),
            mac=row["mac"],
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def unchained(tx: Tx) -> Unchained:
    """What there is of records in no chain."""
    count, digest, after = 0, hashlib.sha256(), -(2**63)
    while rows := tx.execute(_UNCHAINED, {"after": after}).all():
        for row in rows:
            digest.update(hashlib.sha256(canonical(row._asdict())).digest())
        count, after = count + len(rows), rows[-1].seq
    return Unchained(count=count, digest=digest.digest())


def _signed(
    tx: Tx,
    key: AuditKey,
    *,
    after: Link,
    reason: Reason,
    heads: Mapping[int, Link],
    bases: Mapping[int, Link],
    unchained: Unchained,
) -> Link:
    columns = {
        "seq": after.seq + 1,
        "at": tx.now,
        "reason": str(reason),
        "fingerprint": key.fingerprint,
        "heads": _plain(heads),
        "bases": _plain(bases),
        "unchained": unchained.count,
        "unchained_digest": unchained.digest,
    }
    mac = link_mac(key, after.mac, columns)
    tx.execute(_INSERT, {**columns, "mac": mac})
    return Link(shard=CHECKPOINTS, seq=after.seq + 1, mac=mac)


def _columns(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "seq": checkpoint.seq,
        "at": checkpoint.at,
        "reason": checkpoint.reason,
        "fingerprint": checkpoint.fingerprint,
        "heads": _plain(checkpoint.heads),
        "bases": _plain(checkpoint.bases),
        "unchained": checkpoint.unchained.count,
        "unchained_digest": checkpoint.unchained.digest,
    }


def _plain(links: Mapping[int, Link]) -> dict[str, list[Any]]:
    return {str(shard): [link.seq, link.mac.hex()] for shard, link in links.items()}


def _links(plain: Mapping[str, Any]) -> dict[int, Link]:
    return {
        int(shard): Link(shard=int(shard), seq=seq, mac=bytes.fromhex(mac))
        for shard, (seq, mac) in plain.items()
    }
