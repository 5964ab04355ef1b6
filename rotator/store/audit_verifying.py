"""Whether the audit is as it was written: every chain from its first kept record to its head, every checkpoint.

And whether the secrets are as the records of their changes left them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rotator.crypto.audit_key import AuditKey
from rotator.errors import AuditBroken
from rotator.store import (
    audit_checkpoints,
    audit_heads,
    audit_identities,
    audit_rows,
    audit_strays,
)
from rotator.store.audit_chain import CHECKPOINTS, SHARDS, UNCHAINED, Link, is_sealed, start
from rotator.store.audit_checkpoints import Checkpoint
from rotator.store.audit_faults import Fault, Verification, Wrong, chain_name, of_secret
from rotator.store.audit_walk import BATCH, linked, rows_after
from rotator.store.store import Store

_LOOKS = 5


def verify(
    store: Store,
    *,
    kept: Mapping[int, Link] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Walks everything, a batch a transaction; writers and a pruning may go on meanwhile.

    Args:
        kept: heads of an earlier time, which were kept elsewhere and are known to be authentic.
        progress: told how many records were walked since it was last called.

    Raises:
        KeyUnavailable: there is no audit key, or it is not this store's.
        StoreUnavailable: the store can't be read.
    """
    return _Verifier(store, store.audit_key(), kept or {}, progress).run()


@dataclass(slots=True)
class _Verifier:
    store: Store
    key: AuditKey
    kept: Mapping[int, Link]
    progress: Callable[[int], None]
    faults: list[Fault] = field(default_factory=list)
    records: int = 0
    named: dict[int, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    """Shard -> number -> code: the records that checkpoints and kept heads name."""

    def run(self) -> Verification:
        heads, latest = self._now()
        for shard in audit_heads.ALL:
            self._head(shard, heads.get(shard))
        for shard in heads.keys() - set(audit_heads.ALL):
            self._fault(shard, None, Wrong.INSERTED, "there is no such shard, but it has a head")
        bases = None if latest is None else latest.bases
        checkpoints = self._checkpoints(heads.get(CHECKPOINTS), bases)
        for shard in SHARDS:
            if shard in heads:
                self._kept(shard, heads[shard][0], bases)
                self._walk(shard, heads[shard][0], self._base(shard, bases))
        unchained = self._unchained(latest)
        self._strays(bases)
        secrets = self._rows()
        self._identities()
        return Verification(
            records=self.records,
            checkpoints=checkpoints,
            unchained=unchained,
            secrets=secrets,
            faults=tuple(self.faults),
        )

    def _now(self) -> tuple[Mapping[int, tuple[Link, bytes]], Checkpoint | None]:
        """The heads and the latest checkpoint; looked at again where a pruning came between both."""
        looks = 1
        while True:
            with self.store.read() as tx:
                heads = audit_heads.everything(tx)
                if not any(is_sealed(self.key, *found) for found in heads.values()):
                    self.store.check_audit_key(tx)
            latest = self._latest(heads.get(CHECKPOINTS))
            if latest is not None or looks == _LOOKS:
                return heads, latest
            looks += 1

    def _head(self, shard: int, found: tuple[Link, bytes] | None) -> None:
        if found is None:
            self._fault(shard, None, Wrong.HEAD, "its head was removed")
        elif not is_sealed(self.key, *found):
            self._fault(shard, None, Wrong.HEAD, "its head was altered")

    def _latest(self, head: tuple[Link, bytes] | None) -> Checkpoint | None:
        if head is None:
            return None
        try:
            with self.store.read() as tx:
                return audit_checkpoints.latest(tx, self.key, head[0])
        except (AuditBroken, ValueError, TypeError):
            return None  # the walk over the checkpoints tells which one is wrong

    def _base(self, shard: int, bases: Mapping[int, Link] | None) -> Link:
        if bases is not None:
            return bases[shard]
        # Nobody knows where it begins since it was pruned, if it was: what is there is compared from its first record.
        with self.store.read() as tx:
            rows = rows_after(tx, shard, 0, limit=1)
        if not rows or rows[0]["seq"] <= 1 or rows[0]["mac"] is None:
            return start(self.key, shard)
        return Link(shard=shard, seq=rows[0]["seq"], mac=rows[0]["mac"])

    def _checkpoints(
        self, head: tuple[Link, bytes] | None, bases: Mapping[int, Link] | None
    ) -> int:
        if head is None:
            return 0
        count = 0
        self._kept(CHECKPOINTS, head[0], bases)
        link, upto = self._base(CHECKPOINTS, bases), head[0].seq
        while link.seq < upto:
            with self.store.read() as tx:
                rows = rows_after(tx, CHECKPOINTS, link.seq, limit=BATCH)
            links, broken = linked(self.key, link, rows, upto=upto)
            for row, _ in zip(rows, links, strict=False):
                self._note(audit_checkpoints.parsed(row))
            count += len(links)
            for passed in links:
                if self.named[CHECKPOINTS].get(passed.seq, passed.mac) != passed.mac:
                    self._other(CHECKPOINTS, passed.seq)
                    return count
            link = links[-1] if links else link
            if broken is None and links:
                continue
            pruned = self._pruned_since(CHECKPOINTS, link)
            if pruned is None:
                if broken is not None:
                    self._broken(CHECKPOINTS, broken.seq, missing=broken.missing)
                else:
                    self._cut(CHECKPOINTS, link.seq, upto)
                return count
            link = pruned
        if link.seq == upto and link.mac != head[0].mac:
            self._fault(CHECKPOINTS, link.seq, Wrong.ALTERED, "its head names another record here")
        return count

    def _note(self, checkpoint: Checkpoint | None) -> None:
        for shard, link in ({} if checkpoint is None else checkpoint.heads).items():
            self.named[shard][link.seq] = link.mac

    def _kept(self, shard: int, head: Link, bases: Mapping[int, Link] | None) -> None:
        link = self.kept.get(shard)
        if link is None:
            return
        base = self._base(shard, bases)
        if link.seq > head.seq:
            self._fault(
                shard,
                head.seq + 1,
                Wrong.CUT,
                f"the kept head names record {link.seq}, and the chain ends at {head.seq}: it was cut, or the store "
                "was put back to an earlier state",
            )
        elif link.seq == base.seq and link.mac != base.mac:
            self._other(shard, link.seq)
        elif link.seq > base.seq:
            noted = self.named[shard].setdefault(link.seq, link.mac)
            if noted != link.mac:
                self._other(shard, link.seq)

    def _walk(self, shard: int, head: Link, link: Link) -> None:
        while link.seq < head.seq:
            with self.store.read() as tx:
                rows = rows_after(tx, shard, link.seq, limit=BATCH)
            links, broken = linked(self.key, link, rows, upto=head.seq)
            self._walked(len(links))
            for passed in links:
                if self.named[shard].get(passed.seq, passed.mac) != passed.mac:
                    self._other(shard, passed.seq)
                    return
            link = links[-1] if links else link
            if broken is None and links:
                continue
            pruned = self._pruned_since(shard, link)
            if pruned is None:
                if broken is not None:
                    self._broken(shard, broken.seq, missing=broken.missing)
                else:
                    self._cut(shard, link.seq, head.seq)
                return
            link = pruned
        if link.seq == head.seq and link.mac != head.mac:
            self._fault(shard, link.seq, Wrong.ALTERED, "its head names another record here")
        elif (known := max(self.named[shard], default=0)) > head.seq:
            self._fault(
                shard,
                head.seq + 1,
                Wrong.CUT,
                f"a checkpoint names record {known}: the chain was put back to an earlier state",
            )

    def _pruned_since(self, shard: int, link: Link) -> Link | None:
        """Where the shard begins by now, if a pruning has come past this place meanwhile."""
        with self.store.read() as tx:
            found = audit_heads.find(tx, CHECKPOINTS)
        latest = self._latest(found)
        base = None if latest is None else latest.bases[shard]
        return base if base is not None and base.seq > link.seq else None

    def _unchained(self, latest: Checkpoint | None) -> int:
        try:
            with self.store.read() as tx:
                found = audit_checkpoints.unchained(tx)
                head = audit_heads.find(tx, CHECKPOINTS)
        except (ValueError, TypeError):
            self._fault(UNCHAINED, None, Wrong.ALTERED, "a record can't be read")
            return 0
        self._walked(found.count)
        # A pruning may have removed some since the latest checkpoint was read.
        now = None if latest is None else self._latest(head)
        if now is not None and found != now.unchained:
            expected = now.unchained.count
            removed = found.count < expected
            self._fault(
                UNCHAINED,
                None,
                Wrong.REMOVED
                if removed
                else Wrong.ALTERED
                if found.count == expected
                else Wrong.INSERTED,
                f"there are {found.count} of {expected} records of an earlier release, or not the same ones",
            )
        return found.count

    def _strays(self, bases: Mapping[int, Link] | None) -> None:
        with self.store.read() as tx:
            for stray in audit_strays.found(tx, bases or {}):
                self._fault(stray.shard, stray.seq, Wrong.INSERTED, stray.meaning)

    def _rows(self) -> int:
        count = 0
        try:
            for difference in audit_rows.differences(self.store):
                count += 1
                if difference is not None:
                    self.faults.append(of_secret(difference))
        except (ValueError, TypeError, OverflowError):
            meaning = (
                "what no record or row can hold was put there, so the others were not compared"
            )
            fault = Fault(chain="secrets", seq=None, wrong=Wrong.ALTERED, meaning=meaning)
            self.faults.append(fault)
        return count

    def _identities(self) -> None:
        try:
            wrong = audit_identities.difference(self.store)
        except (ValueError, TypeError, OverflowError):
            wrong = "what no record or row can hold was put there"
        if wrong is not None:
            fault = Fault(chain="principals", seq=None, wrong=Wrong.ALTERED, meaning=wrong)
            self.faults.append(fault)

    def _walked(self, count: int) -> None:
        self.records += count
        self.progress(count)

    def _broken(self, shard: int, seq: int, *, missing: bool) -> None:
        if missing:
            self._fault(shard, seq, Wrong.REMOVED, "it was removed, or moved elsewhere")
        else:
            meaning = "it was altered, or is not the record that was written here"
            self._fault(shard, seq, Wrong.ALTERED, meaning)

    def _cut(self, shard: int, last: int, upto: int) -> None:
        meaning = f"the records from here to {upto}, the last that the head names, were removed"
        self._fault(shard, last + 1, Wrong.CUT, meaning)

    def _other(self, shard: int, seq: int) -> None:
        meaning = "a checkpoint or kept head names another record here: the chain was written anew"
        self._fault(shard, seq, Wrong.OTHER_THAN_KEPT, meaning)

    def _fault(self, shard: int, seq: int | None, wrong: Wrong, meaning: str) -> None:
        self.faults.append(Fault(chain=chain_name(shard), seq=seq, wrong=wrong, meaning=meaning))
