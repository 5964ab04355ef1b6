"""Whether the resource policy of a secret is the one that its last record says: whoever wrote another one into the
database, but has no audit key, gives nobody rights by it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, tuple_

from rotator.crypto.audit_key import AuditKey
from rotator.errors import AuditBroken, RowAltered
from rotator.store import audit_checkpoints, audit_heads
from rotator.store.audit_chain import CHECKPOINTS, Link, start
from rotator.store.audit_walk import linked
from rotator.store.tables import audit
from rotator.store.tx import Tx

_COLUMN = "resource_policy"
_PAGE = 200
_MOST_KEPT = 4096
_A = audit.c
_CHANGES = (
    select(*audit.columns)
    .where(_A.secret_arn == bindparam("arn"), _A.revision.is_not(None))
    .order_by(_A.revision.desc(), _A.shard.desc(), _A.seq.desc())
    .limit(_PAGE)
)
_FURTHER = _CHANGES.where(
    tuple_(_A.revision, _A.shard, _A.seq)
    < tuple_(bindparam("at_revision"), bindparam("at_shard"), bindparam("at_seq"))
)
_BEFORE = select(_A.mac).where(_A.shard == bindparam("at_shard"), _A.seq == bindparam("at_seq"))


def require(tx: Tx, *, arn: str, policy: str) -> None:
    """Nothing, where the policy is the one that was put last, as an authentic record has it.

    Raises:
        KeyUnavailable: there is no audit key, or it can't be used.
        RowAltered: it is another one.
    """
    if tx.memory.policies.get(arn) == policy:
        return
    digest = hashlib.sha256(policy.encode("utf-8", "surrogatepass")).hexdigest()
    record = _newest(tx, arn)
    if record is None or _said(record) != digest or tx.memory.key is None:
        raise _altered(arn)
    if not is_authentic(tx, tx.memory.key(), record):
        raise _altered(arn)
    if len(tx.memory.policies) >= _MOST_KEPT:
        tx.memory.policies.clear()
    tx.memory.policies[arn] = policy


def _newest(tx: Tx, arn: str) -> dict[str, Any] | None:
    """The last record that says what the policy became."""
    rows = list(tx.execute(_CHANGES, {"arn": arn}).mappings())
    while rows:
        for row in rows:
            columns = _columns(row["detail"])
            if _COLUMN in columns:
                return dict(row)
        last = rows[-1]
        place = {f"at_{name}": last[name] for name in ("revision", "shard", "seq")}
        rows = list(tx.execute(_FURTHER, {"arn": arn, **place}).mappings())
    return None


def _columns(detail: Any) -> dict[str, Any]:
    left = detail.get("left") if isinstance(detail, dict) else None
    columns = left.get("columns") if isinstance(left, dict) else None
    return columns if isinstance(columns, dict) else {}


def _said(record: dict[str, Any]) -> Any:
    return _columns(record["detail"]).get(_COLUMN)


def is_authentic(tx: Tx, key: AuditKey, record: Mapping[str, Any]) -> bool:
    """Whether a record, all columns of it, is one that was written here, after the one before it."""
    before = _link_before(tx, key, record["shard"], record["seq"])
    if before is None:
        return False
    links, _ = linked(key, before, [dict(record)], upto=record["seq"])
    return bool(links)


def _link_before(tx: Tx, key: AuditKey, shard: int, seq: int) -> Link | None:
    if seq == 1:
        return start(key, shard)
    mac = tx.execute(_BEFORE, {"at_shard": shard, "at_seq": seq - 1}).scalar_one_or_none()
    if mac is not None:
        return Link(shard=shard, seq=seq - 1, mac=bytes(mac))
    # What came before was pruned.
    found = audit_heads.find(tx, CHECKPOINTS)
    try:
        base = None if found is None else audit_checkpoints.latest(tx, key, found[0]).bases[shard]
    except (AuditBroken, KeyError, ValueError, TypeError):
        return None
    return base if base is not None and base.seq == seq - 1 else None


def _altered(arn: str) -> RowAltered:
    return RowAltered(
        f"The resource policy of {arn} in the store is not the one that was put, so no principal is let through to "
        "this secret. Put the right one again, as one who holds the store. What else was altered: rotate audit verify"
    )
