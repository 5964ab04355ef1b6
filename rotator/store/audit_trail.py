"""The audit of one store as one process writes it: the shards that it may use, their heads as it left them, the key."""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, insert, select
from sqlalchemy.exc import IntegrityError

from rotator.crypto.audit_key import AuditKey, AuditKeySource
from rotator.errors import AuditBroken, KeyUnavailable, StoreUnavailable
from rotator.store import audit_checkpoints, audit_heads, restating
from rotator.store.audit_chain import SHARDS, Link, in_json, start
from rotator.store.audit_checkpoints import EVERY, Reason
from rotator.store.audit_drafts import Draft
from rotator.store.notes import AuditEntry
from rotator.store.tables import JsonText, audit, secrets
from rotator.store.tx import Dialect, Tx

_INSERT = insert(audit).values(detail=bindparam("detail", type_=JsonText)).inline()
_ANY_RECORDED = select(exists().where(secrets.c.revision > 0))


@dataclass(slots=True)
class Place:
    """The shard that one transaction writes to.

    Attributes:
        head: the shard's last record as far as this process knows; None where it doesn't.
        checkpoint_due: the records of this transaction passed a multiple of `EVERY`.
        is_shared: another process was the last to write there, so it probably has again by now.
    """

    shard: int
    head: Link | None
    checkpoint_due: bool = False
    is_shared: bool = False


class Trail:
    """Chains records under the audit key, one shard a transaction.

    A head that this process keeps in memory was committed; after a rollback, or a commit of which nobody knows what
    became of it, it is read anew.
    """

    def __init__(
        self, source: AuditKeySource | None, *, dialect: Dialect, shown: str, patience: float
    ) -> None:
        self._source = source
        self._shown = shown
        self._patience = patience
        self._key: AuditKey | None = None
        self._freed = threading.Condition(threading.Lock())
        self._free = [Place(shard, None) for shard in _preferred(dialect)]

    def take_place(self) -> Place:
        """A shard that no other thread of this process writes to, for one transaction; to be given back after it.

        Raises:
            StoreUnavailable: none came free in time.
        """
        with self._freed:
            if not self._free and not self._freed.wait_for(
                lambda: self._free, timeout=self._patience
            ):
                raise StoreUnavailable(
                    f"The store {self._shown} is not available. Its audit stayed busy for too long. Try again."
                )
            place = self._free.pop()
        place.checkpoint_due = False
        return place

    def give_back(self, place: Place, *, committed: bool) -> None:
        """Lets other threads have the shard; its head is forgotten where the transaction is not known to be kept."""
        if not committed:
            place.head = None
        with self._freed:
            self._free.append(place)
            self._freed.notify()

    def append(self, tx: Tx, place: Place) -> None:
        """Chains and inserts the records that a transaction has noted; the last thing before its commit.

        Raises:
            AuditBroken: the shard's end is not as it was written.
            KeyUnavailable: there is no audit key, or it is not this store's.
            StoreUnavailable: other processes were faster each time.
        """
        if not tx.entries:
            return
        known = place.head
        if known is not None and place.is_shared:
            # To look costs less than to chain all of it twice.
            head = self._read_head_again(tx, known)
            place.is_shared = head != known
        else:
            head = known or self._read_head(tx, place.shard)
        key = self.key()
        rows, last = _chained(key, head, tx, tx.entries)
        if not audit_heads.move(tx, key, head, last):
            place.is_shared = True
            head = self._read_head_again(tx, known or head)
            rows, last = _chained(key, head, tx, tx.entries)
            if not audit_heads.move(tx, key, head, last):
                raise StoreUnavailable(
                    f"The store {self._shown} is not available. The end of its audit is contended. Try again."
                )
        _insert(tx, rows)
        place.head = last
        place.checkpoint_due = last.seq // EVERY != head.seq // EVERY

    def _read_head_again(self, tx: Tx, known: Link) -> Link:
        head = self._read_head(tx, known.shard, for_update=True)
        if head.seq < known.seq:
            raise _went_back(known.shard)
        return head

    def heads(self, tx: Tx, *, for_update: bool = False) -> Mapping[int, Link]:
        """Every head, each as this process could have sealed it.

        Raises:
            AuditBroken: one is missing, or was altered.
            KeyUnavailable: there is no audit key, or it is not this store's.
        """
        found = audit_heads.everything(tx, for_update=for_update)
        if not found:
            raise AuditBroken(
                f"The store {self._shown} has no audit. Where it is new, begin it: rotate init"
            )
        missing = [shard for shard in audit_heads.ALL if shard not in found]
        if missing:
            raise AuditBroken(
                f"The audit of the store {self._shown} has lost the heads of {len(missing)} of its chains. "
                "What else is missing: rotate audit verify"
            )
        key = self.key()
        return {shard: self._checked(tx, key, *found[shard]) for shard in audit_heads.ALL}

    def key(self) -> AuditKey:
        """The audit key, read when it is first asked for.

        Raises:
            KeyUnavailable: there is none, or it can't be used.
        """
        if self._key is None:
            self._key = self._named_source().load()
        return self._key

    def check_key(self, tx: Tx) -> None:
        """Makes sure that the audit key is the one that the audit was begun with.

        Raises:
            KeyUnavailable: it is not, or can't be used.
        """
        key, known = self.key(), audit_checkpoints.fingerprints(tx)
        if known and key.fingerprint not in known:
            raise KeyUnavailable(
                f"The audit key (fingerprint {key.fingerprint}) is not the one that the audit of the store "
                f"{self._shown} was begun with. Nothing was changed. Restore the right key from its backup, or "
                "name it in the setting audit.key."
            )

    def begin(self, tx: Tx, *, anew: bool = False) -> bool:
        """Whether the audit of the store was begun by this; the key is made where there is none.

        Raises:
            AuditBroken: the store had an audit, which was removed, and it was not asked to begin `anew`.
            KeyUnavailable: the key can't be used or made.
        """
        audit_heads.lock_all(tx)
        if audit_heads.everything(tx):
            self.heads(tx)
            return False
        # A change that this release has recorded left its number in the row of its secret.
        removed = tx.execute(_ANY_RECORDED).scalar_one()
        if removed and not anew:
            raise AuditBroken(
                f"The store {self._shown} has secrets whose changes were recorded, and no audit: it was removed. "
                "Nothing was changed. Restore the store from a backup. To go on without what was recorded: "
                "rotate init --new-audit"
            )
        source = self._named_source()
        self._key = source.load() if source.exists() else source.make()
        reason = Reason.BEGUN_ANEW if removed else Reason.BEGUN
        audit_checkpoints.begin(tx, self._key, reason=reason)
        self._restate_all(tx, self._key)
        return True

    def _restate_all(self, tx: Tx, key: AuditKey) -> None:
        """Records the secrets that an earlier release left, as they are: what comes later is held against that."""
        first = head = start(key, SHARDS[0])
        for entries in restating.of_rows(tx):
            rows, head = _chained(key, head, tx, entries)
            _insert(tx, rows)
        if head != first:
            audit_heads.move(tx, key, first, head)

    def _read_head(self, tx: Tx, shard: int, *, for_update: bool = False) -> Link:
        found = audit_heads.find(tx, shard, for_update=for_update)
        if found is None:
            self._begin_unasked(tx)
            found = audit_heads.find(tx, shard, for_update=for_update)
        if found is None:
            raise AuditBroken(
                f"The audit of the store {self._shown} has lost the head of shard {shard}, so nothing can be recorded "
                "there. What else is missing: rotate audit verify"
            )
        return self._checked(tx, self.key(), *found)

    def _begin_unasked(self, tx: Tx) -> None:
        """Begins the audit of a store that an earlier release made: its home has no audit key yet."""
        audit_heads.lock_all(tx)
        if audit_heads.everything(tx):
            return
        if self._named_source().exists():
            raise KeyUnavailable(
                f"The store {self._shown} has no audit yet, but there is an audit key. Either the store is new, or its "
                "audit was removed. Nothing was changed. Where the store is new, or of an earlier release, begin its "
                "audit: rotate init"
            )
        self.begin(tx)

    def _checked(self, tx: Tx, key: AuditKey, head: Link, seal: bytes) -> Link:
        try:
            return audit_heads.checked(key, head, seal)
        except AuditBroken:
            self.check_key(tx)
            raise

    def _named_source(self) -> AuditKeySource:
        if self._source is None:
            raise KeyUnavailable(
                f"The store {self._shown} was opened without its audit key, so nothing can be recorded there."
            )
        return self._source


def _preferred(dialect: Dialect) -> Sequence[int]:
    """The shards to write to, the best last: processes that prefer different ones don't queue."""
    if dialect == "sqlite":
        return SHARDS[:1]
    return random.sample(SHARDS, len(SHARDS))


def _chained(
    key: AuditKey, head: Link, tx: Tx, entries: Sequence[AuditEntry | Draft]
) -> tuple[Sequence[Mapping[str, Any]], Link]:
    seq, mac, now = head.seq, head.mac, tx.now
    at = in_json(now)
    rows = []
    for entry in entries:
        draft = Draft.of(entry)
        seq += 1
        mac = draft.mac(key, mac, shard=head.shard, seq=seq, at=at)
        rows.append({**draft.columns, "shard": head.shard, "seq": seq, "at": now, "mac": mac})
    return rows, Link(shard=head.shard, seq=seq, mac=mac)


def _insert(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        tx.execute(_INSERT, rows)
    except IntegrityError:
        # A caller would take it for its own rows' conflict.
        raise _went_back(rows[0]["shard"]) from None


def _went_back(shard: int) -> AuditBroken:
    return AuditBroken(
        f"The head of shard {shard} in the audit is older than its records: it was put back, or the store was restored "
        "while rotator was running. Nothing was changed. What is wrong: rotate audit verify"
    )
