"""Moves what is sealed under older keys to the keys that the secrets ask for now, while everything goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rotator.crypto.envelope import Wrapped
from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.sdk import DEFAULT_KEY_ALIAS
from rotator.store import access_key_rows, rewrap, sealing
from rotator.store.rewrap import START, Misplaced, Move
from rotator.store.tx import Tx

BATCH = 500
"""Versions of one transaction: their secrets can't be written while it lasts, which is milliseconds."""

_TOLD = 10  # reasons that a result names


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapProgress:
    """How far it is.

    Attributes:
        moved: versions, and access keys, that were moved so far.
        stuck: those that could not be.
        total: all that there were to move in the beginning.
    """

    moved: int
    stuck: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """What became of it.

    Attributes:
        moved: versions, and access keys, that were moved.
        stuck: versions that could not be, and are as they were.
        reasons: why, the first of them.
    """

    moved: int
    stuck: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRewrap:
    """Versions and access keys that a rewrapping would move for the same reason.

    Attributes:
        key: the name of the key that they ask for: the default one for access keys.
        under: the key that they are under now.
        to: the key that they would get; None where they would stay.
        reason: why they would stay.
    """

    key: str
    under: str
    to: str | None
    versions: int
    access_keys: int
    reason: str | None = None


Watch = Callable[[RewrapProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Versions that have to move for the same reason.

    Attributes:
        name: the name of the key that their secrets ask for; None for the default one.
        key_id: what `rewrap.misplaced` takes with the name.
        target: the key that the name names; None where nothing can be moved.
        reason: why nothing can.
    """

    name: str | None
    key_id: str
    count: int
    target: str | None = None
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """Counts as they grow."""

    watch: Watch
    total: int = 0
    moved: int = 0
    stuck: int = 0
    overtaken: int = 0
    reasons: list[str] = field(default_factory=list)

    def begin(self, total: int) -> None:
        """A pass over all that is left."""
        self.total = max(self.total, self.moved + total)
        self.stuck = self.overtaken = 0
        self.reasons.clear()

    def leave(self, reason: str, count: int = 1) -> None:
        self.stuck += count
        if len(self.reasons) < _TOLD:
            self.reasons.append(reason)

    def tell(self) -> None:
        self.watch(RewrapProgress(moved=self.moved, stuck=self.stuck, total=self.total))


class Rewrapping(Operations):
    """How older versions get the sealing key of today."""

    @audited("RewrapKeys")
    def rewrap_keys(
        self,
        *,
        caller: Caller,
        request_id: str,
        batch: int = BATCH,
        watch: Watch = lambda _: None,
    ) -> Rewrapped:
        """Wraps the data key of every version anew whose secret asks for another sealing key than it is under.

        So are the secrets of access keys, which are under the default key. No value is opened.

        It can be stopped at any moment and begun again: what is done is found done, by an index.
        A version that is written meanwhile stays as it was written.

        Args:
            batch: versions of one transaction, which has one audit record.
            watch: called after each batch.

        Raises:
            KeyUnavailable: the provider has no keys to give.
            StoreUnavailable: the store can't be reached; what was moved until then stays so.
        """
        call = Call(event="RewrapKeys", caller=caller, request_id=request_id)
        tally = _Tally(watch=watch)
        while True:
            sources = tuple(self._sources(call))
            tally.begin(sum(source.count for source in sources) + self._access_keys_left())
            for source in sources:
                self._move(call, source, tally, batch=batch)
            self._move_access_keys(call, tally, batch=batch)
            tally.tell()
            if not tally.overtaken:
                break
        return Rewrapped(moved=tally.moved, stuck=tally.stuck, reasons=tuple(tally.reasons))

    @audited("RewrapKeys")
    def plan_rewrap(self, *, caller: Caller, request_id: str) -> tuple[PlannedRewrap, ...]:
        """What a rewrapping would do now: it counts, and changes nothing.

        Raises:
            KeyUnavailable, StoreUnavailable: as `rewrap_keys` has them.
        """
        call = Call(event="RewrapKeys", caller=caller, request_id=request_id)
        sources = tuple(self._sources(call))
        with self._store.read() as tx:
            planned = tuple(_planned(tx, sources))
            versions = sum(plan.versions for plan in planned)
            access_keys = sum(plan.access_keys for plan in planned)
            detail = {"dry_run": True, "versions": versions, "access_keys": access_keys}
            call.record(tx, None, detail=detail)
        return planned

    def _sources(self, call: Call) -> Iterator[_Source]:
        provider = self._sealer.provider
        active = provider.resolve(None)
        with self._store.read() as tx:
            call.permit(account=call.caller.account, region=call.caller.region)
            keys, names = rewrap.keys_used(tx), rewrap.names_used(tx)
            keys_of_access_keys = access_key_rows.counts_under(tx)
        for key_id in sorted({*keys, *keys_of_access_keys}):
            if key_id != active:
                yield self._source(None, key_id=key_id, needed=key_id, target=active)
        for name in names:
            try:
                target = provider.resolve(name)
            except KeyUnavailable as error:
                yield self._blocked(name, key_id="", reason=f"{name} names no usable key: {error}")
            else:
                yield self._source(name, key_id=target, needed=target, target=target)

    def _source(self, name: str | None, *, key_id: str, needed: str, target: str) -> _Source:
        """The versions of a name, where the key that all of them need can be had."""
        try:
            self._sealer.provider.resolve(needed)
        except KeyUnavailable as error:
            return self._blocked(name, key_id=key_id, reason=str(error))
        return _Source(name=name, key_id=key_id, count=self._count(name, key_id), target=target)

    def _blocked(self, name: str | None, *, key_id: str, reason: str) -> _Source:
        return _Source(name=name, key_id=key_id, count=self._count(name, key_id), reason=reason)

    def _count(self, name: str | None, key_id: str) -> int:
        with self._store.read() as tx:
            return rewrap.count_misplaced(tx, name=name, key_id=key_id)

    def _move(self, call: Call, source: _Source, tally: _Tally, *, batch: int) -> None:
        if not source.count:
            return
        if source.target is None:
            tally.leave(f"{source.count:,} of them: {source.reason}", source.count)
            return
        after = START
        while found := self._batch(source, after=after, limit=batch):
            if after == START:
                sealing.take_in_by_itself(self._store, self._sealer.provider, source.target)
            after = found[-1].place
            self._write(call, source, self._wrap(found, source, tally), tally)
            tally.tell()

    def _access_keys_left(self) -> int:
        active = self._sealer.provider.resolve(None)
        with self._store.read() as tx:
            return access_key_rows.count_under_others(tx, active)

    def _move_access_keys(self, call: Call, tally: _Tally, *, batch: int) -> None:
        """The secrets of access keys, to the default key; what can't be moved stays as it is."""
        active, after = self._sealer.provider.resolve(None), ""
        while True:
            with self._store.read() as tx:
                found = access_key_rows.keys_under_others(tx, active, after=after, limit=batch)
            if not found:
                return
            after = max(found)
            moved = dict(self._rewrapped(found, tally))
            with self._store.write() as tx:
                sealing.take_in(tx, self._sealer.provider, active)
                written = sum(
                    access_key_rows.rewrap_key(tx, key, before=found[key], after=wrapped)
                    for key, wrapped in moved.items()
                )
                if written:
                    detail = {"key": DEFAULT_KEY_ALIAS, "to": active, "access_keys": written}
                    call.record(tx, None, detail=detail)
                tx.memory.identities = None  # how a key is wrapped is no part of their revision
            tally.moved += written
            tally.overtaken += len(moved) - written
            tally.tell()

    def _rewrapped(
        self, found: Mapping[str, Wrapped], tally: _Tally
    ) -> Iterator[tuple[str, Wrapped]]:
        for key, wrapped in found.items():
            try:
                context = access_key_rows.seal_context(key)
                yield key, self._sealer.rewrap(wrapped, context=context, key=None)
            except (DecryptionFailure, KeyUnavailable) as error:
                tally.leave(f"The access key {key}: {error}")

    def _batch(self, source: _Source, *, after: rewrap.Place, limit: int) -> Sequence[Misplaced]:
        with self._store.read() as tx:
            return rewrap.misplaced(
                tx, name=source.name, key_id=source.key_id, after=after, limit=limit
            )

    def _wrap(self, found: Sequence[Misplaced], source: _Source, tally: _Tally) -> list[Move]:
        moves = []
        for version in found:
            try:
                after = self._sealer.rewrap(
                    version.wrapped, context=version.context, key=source.name
                )
            except (DecryptionFailure, KeyUnavailable) as error:
                tally.leave(str(error))
                continue
            secret_id, version_id = version.place
            moves.append(
                Move(
                    secret_id=secret_id, version_id=version_id, before=version.wrapped, after=after
                )
            )
        return moves

    def _write(self, call: Call, source: _Source, moves: Sequence[Move], tally: _Tally) -> None:
        if not moves:
            return
        with self._store.write() as tx:
            rewrap.lock(tx, {move.secret_id for move in moves})
            written = rewrap.replace(tx, moves)
            if written:
                detail = {
                    "key": source.name or DEFAULT_KEY_ALIAS,
                    "to": moves[0].after.key_id,
                    "versions": written,
                }
                call.record(tx, None, detail=detail)
        tally.moved += written
        tally.overtaken += len(moves) - written


def _planned(tx: Tx, sources: Sequence[_Source]) -> Iterator[PlannedRewrap]:
    sealed_under = access_key_rows.counts_under(tx)
    for source in sources:
        access_keys = 0
        if source.name is None:
            access_keys = sealed_under.get(source.key_id, 0)
            under = {source.key_id: source.count} if source.count or access_keys else {}
        else:
            under = dict(rewrap.count_misplaced_by_key(tx, name=source.name, key_id=source.key_id))
        total = source.count + access_keys
        for key_id, count in under.items():
            yield PlannedRewrap(
                key=source.name or DEFAULT_KEY_ALIAS,
                under=key_id,
                to=source.target,
                versions=count,
                access_keys=access_keys,
                reason=f"{total:,} of them: {source.reason}" if source.reason else None,
            )
