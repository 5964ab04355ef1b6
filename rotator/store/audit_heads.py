"""The heads of the audit's chains, as rows."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, insert, select, text, update

from rotator.crypto.audit_key import AuditKey
from rotator.errors import AuditBroken
from rotator.store.audit_chain import CHECKPOINTS, SHARDS, Link, is_sealed, seal
from rotator.store.tables import audit_heads
from rotator.store.tx import Tx

ALL: Final = (CHECKPOINTS, *SHARDS)
"""The chains that have a head."""

_GET = select(audit_heads).where(audit_heads.c.shard == bindparam("at_shard"))
_GET_LOCKED = _GET.with_for_update()
_ALL = select(audit_heads).order_by(audit_heads.c.shard)
_ALL_LOCKED = _ALL.with_for_update()
_MOVE = (
    update(audit_heads)
    .where(
        audit_heads.c.shard == bindparam("at_shard"),
        audit_heads.c.seq == bindparam("at_seq"),
        audit_heads.c.mac == bindparam("at_mac"),
    )
    .values(seq=bindparam("to_seq"), mac=bindparam("to_mac"), seal=bindparam("to_seal"))
)
_INSERT = insert(audit_heads).inline()
_LOCK = text("LOCK TABLE audit_heads IN SHARE ROW EXCLUSIVE MODE")


def find(tx: Tx, shard: int, *, for_update: bool = False) -> tuple[Link, bytes] | None:
    """The head of a shard and its seal; None where the audit was not begun."""
    row = tx.execute(_GET_LOCKED if for_update else _GET, {"at_shard": shard}).one_or_none()
    return None if row is None else (Link(shard=shard, seq=row.seq, mac=row.mac), row.seal)


def everything(tx: Tx, *, for_update: bool = False) -> Mapping[int, tuple[Link, bytes]]:
    """Every head and its seal, by shard; where they are locked, in the order of the shards."""
    rows = tx.execute(_ALL_LOCKED if for_update else _ALL)
    return {row.shard: (Link(shard=row.shard, seq=row.seq, mac=row.mac), row.seal) for row in rows}


def checked(key: AuditKey, head: Link, found: bytes) -> Link:
    """The head itself, where it has its own seal.

    Raises:
        AuditBroken: it has not.
    """
    if not is_sealed(key, head, found):
        what = "the checkpoints" if head.shard == CHECKPOINTS else f"shard {head.shard}"
        raise AuditBroken(
            f"The head of {what} in the audit was altered, so nothing more can be recorded there. "
            "What was altered: rotate audit verify. Then restore the store from a backup."
        )
    return head


def move(tx: Tx, key: AuditKey, head: Link, to: Link) -> bool:
    """Whether the head was still the one given; it is the other one then, and locked."""
    moved = tx.execute(
        _MOVE,
        {
            "at_shard": head.shard,
            "at_seq": head.seq,
            "at_mac": head.mac,
            "to_seq": to.seq,
            "to_mac": to.mac,
            "to_seal": seal(key, to),
        },
    )
    return moved.rowcount == 1


def add(tx: Tx, key: AuditKey, head: Link) -> None:
    """Adds the head of a chain that begins."""
    tx.execute(
        _INSERT,
        {"shard": head.shard, "seq": head.seq, "mac": head.mac, "seal": seal(key, head)},
    )


def lock_all(tx: Tx) -> None:
    """Makes others wait who would begin the audit too; SQLite has one writer."""
    if tx.dialect == "postgresql":
        tx.execute(_LOCK)
