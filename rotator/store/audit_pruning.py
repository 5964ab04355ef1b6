"""Removes old audit records, so that what is left can still be verified.

A shard loses the records at its beginning. A signed checkpoint, written in the same transaction, names the last one
that went, from which the chain of the others goes on. What is removed is verified before: pruning hides no tampering.
What is known of the secrets that removed records changed is restated in a new record, and so is what is known of
principals and access keys.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from rotator.errors import AuditBroken
from rotator.store import audit_checkpoints, audit_identities, identity_review, restating
from rotator.store.audit_chain import CHECKPOINTS, SHARDS, UNCHAINED, Link
from rotator.store.audit_checkpoints import Checkpoint, Reason
from rotator.store.audit_walk import BATCH, linked, older, rows_after
from rotator.store.notes import AuditEntry
from rotator.store.store import Store
from rotator.store.tables import Instant, audit
from rotator.store.tables import audit_checkpoints as checkpoint_table
from rotator.store.tx import Tx

_REMOVE = delete(audit).where(
    audit.c.shard == bindparam("at_shard"), audit.c.seq <= bindparam("upto")
)
_REMOVE_CHECKPOINTS = delete(checkpoint_table).where(checkpoint_table.c.seq <= bindparam("upto"))
_OLD_CHECKPOINT = (
    select(checkpoint_table.c.seq, checkpoint_table.c.mac)
    .where(
        checkpoint_table.c.at < bindparam("before", type_=Instant),
        checkpoint_table.c.seq < bindparam("latest"),
    )
    .order_by(checkpoint_table.c.seq.desc())
    .limit(1)
)
_OLD_UNCHAINED = select(func.count()).where(
    audit.c.shard == UNCHAINED, audit.c.at < bindparam("before", type_=Instant)
)
_REMOVE_UNCHAINED = delete(audit).where(
    audit.c.shard == UNCHAINED, audit.c.at < bindparam("before", type_=Instant)
)


def prune_batch(store: Store, shard: int, *, before: datetime, upto: int, entry: AuditEntry) -> int:
    """Removes some of the records at the beginning of a shard that are older than a moment; gives how many.

    Args:
        shard: a chain's, or that of the records in no chain.
        upto: the last number to look at: a pruning must not remove its own records.
        entry: the record of the pruning, written where something was removed.

    Raises:
        AuditBroken: what would be removed, or what has to be signed, is not as it was written.
        KeyUnavailable, StoreUnavailable: as `Store.write` does; nothing was removed.
    """
    if not _any_old(store, shard, before, upto):
        return 0
    with store.maintain() as (tx, key, heads):
        latest = audit_checkpoints.latest(tx, key, heads[CHECKPOINTS])
        if shard == UNCHAINED:
            removed, bases = _remove_unchained(tx, latest, before), {}
        else:
            rows = rows_after(tx, shard, latest.bases[shard].seq, limit=BATCH)
            rows = rows[: older(rows, before)]
            links, broken = linked(key, latest.bases[shard], rows, upto=upto)
            if broken is not None:
                raise _altered(shard, broken.seq)
            removed, bases = len(links), {link.shard: link for link in links[-1:]}
            if links:
                known = restating.of_records(tx, rows[:removed])
                access = identity_review.restated(tx, rows[:removed])
                tx.execute(_REMOVE, {"at_shard": shard, "upto": links[-1].seq})
                restating.restate(tx, known, entry)
                if access is not None:
                    event = audit_identities.RESTATED
                    tx.record(entry._replace(event=event, detail={"access": access}))
        if removed:
            old = _old_checkpoint(tx, latest, before)
            audit_checkpoints.add(
                tx,
                key,
                heads,
                reason=Reason.PRUNED,
                bases=bases if old is None else {**bases, CHECKPOINTS: old},
                unchained=audit_checkpoints.unchained(tx) if shard == UNCHAINED else None,
            )
            if old is not None:
                tx.execute(_REMOVE_CHECKPOINTS, {"upto": old.seq})
            tx.record(entry)
    return removed


def _any_old(store: Store, shard: int, before: datetime, upto: int) -> bool:
    with store.read() as tx:
        if shard == UNCHAINED:
            return bool(tx.execute(_OLD_UNCHAINED, {"before": before}).scalar_one())
        rows = rows_after(tx, shard, 0, limit=1)
    return older(rows, before) > 0 and rows[0]["seq"] <= upto


def _remove_unchained(tx: Tx, latest: Checkpoint, before: datetime) -> int:
    if audit_checkpoints.unchained(tx) != latest.unchained:
        raise _altered(UNCHAINED, None)
    return tx.execute(_REMOVE_UNCHAINED, {"before": before}).rowcount


def _old_checkpoint(tx: Tx, latest: Checkpoint, before: datetime) -> Link | None:
    """The last checkpoint of the same time, which goes with those before it; the latest one stays."""
    row = tx.execute(_OLD_CHECKPOINT, {"before": before, "latest": latest.seq}).one_or_none()
    return None if row is None else Link(shard=CHECKPOINTS, seq=row.seq, mac=row.mac)


def _altered(shard: int, seq: int | None) -> AuditBroken:
    where = "the records of an earlier release" if seq is None else f"record {seq} of shard {shard}"
    return AuditBroken(
        f"The audit was tampered with at {where}, so it is not pruned. Nothing was changed by this batch. "
        "What else is wrong: rotate audit verify"
    )


PRUNED_SHARDS = (UNCHAINED, *SHARDS)
"""What there is to prune."""
