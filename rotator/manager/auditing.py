"""The audit: who did what to which secret, whether that is still what was written, and how old records go."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from rotator import telemetry
from rotator.errors import AuditBroken, InvalidParameter, KeyUnavailable, StoreUnavailable
from rotator.manager.audit_results import AuditPage, AuditState, Heads, KeptHead
from rotator.manager.call import Call
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import audit_pruning, audit_search, audit_verifying
from rotator.store.audit_chain import Link, is_sealed, seal
from rotator.store.audit_checkpoints import Reason
from rotator.store.audit_faults import Verification
from rotator.store.audit_search import AuditFilter, AuditRecord, Place
from rotator.store.notes import AuditEntry
from rotator.store.store import Store

_log = telemetry.logger("audit")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 1000
MAX_PAGE = 10_000


class Auditing:
    """The operations on the audit of one store. They are for who holds the store, of whatever account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @audited("LookupEvents")
    def show(
        self,
        *,
        caller: Caller,
        request_id: str,
        where: AuditFilter,
        cursor: str | None = None,
        limit: int = 50,
    ) -> AuditPage:
        """The newest records that pass the filter, a page at a time.

        Raises:
            AccessDenied: the caller may not.
            InvalidParameter: the cursor is not one, or the page too large.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidParameter(f"A page of the audit has 1 to {MAX_PAGE:,} records.")
        call = _call("LookupEvents", caller, request_id)
        after = None if cursor is None else _place(cursor)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            found = audit_search.page(
                tx,
                where,
                account=caller.account,
                region=caller.region,
                after=after,
                limit=limit + 1,
                newest_first=True,
            )
        shown = tuple(found[:limit])
        self._note_look(call.entry(None, detail={"records": len(shown), **_asked(where)}))
        return AuditPage(
            records=shown, next_cursor=_cursor(shown[-1].place) if len(found) > limit else None
        )

    @audited("ExportAudit")
    def export(
        self, *, caller: Caller, request_id: str, where: AuditFilter
    ) -> Iterator[AuditRecord]:
        """Every record that passes the filter, oldest first; read a page at a time, so that it may be millions.

        The record of the export itself is there before the first of them is given out.

        Raises:
            AccessDenied: the caller may not.
        """
        call = _call("ExportAudit", caller, request_id)
        call.permit(account=caller.account, region=caller.region)
        self._note_look(call.entry(None, detail=_asked(where)))
        return self._records(where, caller=caller)

    def _records(self, where: AuditFilter, *, caller: Caller) -> Iterator[AuditRecord]:
        after: Place | None = None
        while True:
            with self._store.read() as tx:
                found = audit_search.page(
                    tx,
                    where,
                    account=caller.account,
                    region=caller.region,
                    after=after,
                    limit=_PAGE,
                    newest_first=False,
                )
            yield from found
            if len(found) < _PAGE:
                return
            after = found[-1].place

    @audited("GetAuditHeads")
    def heads(self, *, caller: Caller, request_id: str) -> Heads:
        """The head of every chain, each known to be as it was written.

        Raises:
            AccessDenied: the caller may not.
            AuditBroken: one is not as it was written.
            KeyUnavailable: there is no audit key, or it is not this store's.
        """
        call = self._permit("GetAuditHeads", caller, request_id)
        heads, _ = self._store.audit_state()
        key = self._store.audit_key()
        self._store.record(call.entry(None))
        return Heads(
            at=datetime.now(UTC),
            fingerprint=key.fingerprint,
            heads=tuple(
                KeptHead(shard=shard, seq=head.seq, mac=head.mac.hex(), seal=seal(key, head).hex())
                for shard, head in sorted(heads.items())
            ),
        )

    @audited("GetAuditHeads")
    def state(self, *, caller: Caller, request_id: str) -> AuditState:
        """How the audit stands; quick, since it walks over nothing.

        Raises:
            AccessDenied, AuditBroken, KeyUnavailable: as `heads` does.
        """
        call = self._permit("GetAuditHeads", caller, request_id)
        heads, checkpoint = self._store.audit_state()
        self._store.record(call.entry(None))
        return AuditState(
            records=sum(
                head.seq - checkpoint.bases[shard].seq
                for shard, head in heads.items()
                if shard in checkpoint.heads
            )
            + checkpoint.unchained.count,
            checkpoint=checkpoint.seq,
            checkpoint_at=checkpoint.at,
        )

    @audited("VerifyAudit")
    def verify(
        self,
        *,
        caller: Caller,
        request_id: str,
        kept: tuple[KeptHead, ...] = (),
        progress: Callable[[int], None] = lambda _: None,
    ) -> Verification:
        """Walks over every record and checkpoint, and tells the first of each chain that is not as it was written.

        Args:
            kept: heads that were kept elsewhere: what was cut or put back since is found too.
            progress: told how many records were walked since it was last called.

        Raises:
            AccessDenied: the caller may not.
            InvalidParameter: a kept head is not authentic.
            KeyUnavailable: there is no audit key, or it is not this store's.
        """
        call = self._permit("VerifyAudit", caller, request_id)
        found = audit_verifying.verify(self._store, kept=self._authentic(kept), progress=progress)
        entry = call.entry(None, detail={"records": found.records, "faults": len(found.faults)})
        # Who finds something wrong has to learn of it, also where that keeps anything from being recorded.
        with suppress(StoreUnavailable, KeyUnavailable) if found.faults else nullcontext():
            self._store.record(entry)
        return found

    @audited("CreateAuditCheckpoint")
    def checkpoint(self, *, caller: Caller, request_id: str) -> int:
        """Writes a checkpoint over all heads and gives its number.

        Raises:
            AccessDenied: the caller may not.
            AuditBroken: a head or the last checkpoint is not as it was written.
            KeyUnavailable: there is no audit key, or it is not this store's.
        """
        call = self._permit("CreateAuditCheckpoint", caller, request_id)
        return self._store.checkpoint(Reason.ASKED, call.entry(None))

    @audited("PruneAudit")
    def count_prunable(self, *, caller: Caller, request_id: str, before: datetime) -> int:
        """How many records a pruning would remove; it verifies them first, and may refuse.

        Raises:
            AccessDenied: the caller may not prune.
        """
        call = _call("PruneAudit", caller, request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            old = audit_search.count_old(tx, before)
            call.record(tx, None, detail={"before": before.isoformat(), "counted": old})
        return old

    @audited("PruneAudit")
    def prune(
        self,
        *,
        caller: Caller,
        request_id: str,
        before: datetime,
        progress: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Removes the records before a moment, up to the first younger one of each chain; gives how many.

        Each batch is a transaction of its own, with a signed checkpoint and an audit record; whoever is stopped in the
        middle has removed whole batches, and the next pruning goes on from there.

        Args:
            progress: told how many records were removed since it was last called.

        Raises:
            AccessDenied: the caller may not.
            AuditBroken: what would be removed is not as it was written.
            KeyUnavailable: there is no audit key, or it is not this store's.
        """
        call = self._permit("PruneAudit", caller, request_id)
        heads, _ = self._store.audit_state()
        total = 0
        for shard in audit_pruning.PRUNED_SHARDS:
            while removed := audit_pruning.prune_batch(
                self._store,
                shard,
                before=before,
                upto=heads[shard].seq if shard in heads else 0,
                entry=call.entry(None, detail={"shard": shard, "before": before.isoformat()}),
            ):
                total += removed
                progress(removed)
        return total

    def _note_look(self, entry: AuditEntry) -> None:
        """Records a look at the audit. One that is broken is looked at all the same, to find out who broke it."""
        try:
            self._store.record(entry)
        except AuditBroken as error:
            _log.warning("audit.look.unrecorded", event_name=entry.event, message=str(error))

    def _permit(self, event: str, caller: Caller, request_id: str) -> Call:
        call = _call(event, caller, request_id)
        call.permit(account=caller.account, region=caller.region)
        return call

    def _authentic(self, kept: tuple[KeptHead, ...]) -> Mapping[int, Link]:
        key = self._store.audit_key()
        links = {}
        for head in kept:
            link = _link(head)
            if link is None or not is_sealed(key, link, bytes.fromhex(head.seal)):
                raise InvalidParameter(
                    f"The kept head of shard {head.shard} is not one that the audit key of this store has sealed: the "
                    "file was altered, or is another store's. Nothing was verified. Name the right file."
                )
            links[link.shard] = link
        return links


def _asked(where: AuditFilter) -> Mapping[str, str]:
    """What a filter asks for, as the record of a look at the audit keeps it."""
    return {what: str(wanted) for what, wanted in asdict(where).items() if wanted is not None}


def _link(head: KeptHead) -> Link | None:
    try:
        bytes.fromhex(head.seal)
        return Link(shard=int(head.shard), seq=int(head.seq), mac=bytes.fromhex(head.mac))
    except (TypeError, ValueError):
        return None


def _call(event: str, caller: Caller, request_id: str) -> Call:
    return Call(event=event, caller=caller, request_id=request_id)


def _cursor(place: Place) -> str:
    at, shard, seq = place
    return f"{(at - _EPOCH) // _MICROSECOND}.{shard}.{seq}"


def _place(cursor: str) -> Place:
    try:
        at, shard, seq = (int(part) for part in cursor.split("."))
        return _EPOCH + at * _MICROSECOND, shard, seq
    except (ValueError, OverflowError):
        raise InvalidParameter(
            "The cursor is not one that `rotate audit show` has given. Begin again without it."
        ) from None
