"""The store: a database whose schema is this release's, and whose audit is chained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self, TypeVar, cast

from sqlalchemy import URL, Engine

from rotator import telemetry
from rotator.crypto.audit_key import AuditKey, AuditKeySource
from rotator.errors import RotatorError
from rotator.store import accesses, audit_checkpoints, schema
from rotator.store.audit_chain import CHECKPOINTS, Link
from rotator.store.audit_checkpoints import Checkpoint, Reason
from rotator.store.audit_drafts import Draft
from rotator.store.audit_trail import Place, Trail
from rotator.store.database import LOCK_TIMEOUT, Database, open_engine
from rotator.store.group_commit import GroupCommit
from rotator.store.notes import Access, AuditEntry
from rotator.store.recorded import Reading, Writing
from rotator.store.schema import Asked
from rotator.store.shared import Blamed, Look, Writer
from rotator.store.tx import Tx

__all__ = ["Store", "Tx"]

_log = telemetry.logger("audit")
R = TypeVar("R")
_Act = Callable[[Tx], None]


class Store(Database):
    """A database that rotator can work on.

    What a transaction records in the audit is kept with it or not at all. The records of reading transactions are
    committed right after them, many threads' at once, and nobody is answered before.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        url: URL,
        lock_timeout: float,
        audit_key: AuditKeySource | None = None,
    ) -> None:
        super().__init__(engine, url=url, lock_timeout=lock_timeout)
        self._trail = Trail(
            audit_key, dialect=self.dialect, shown=self.url_shown, patience=lock_timeout
        )
        self.memory.key = self.audit_key
        self._group: GroupCommit[_Act] = GroupCommit(self._write_together)
        self._writers: GroupCommit[Writer[Any]] = GroupCommit(self._write_for_all)
        self._wake: Callable[[], None] | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool,
        lock_timeout: float = LOCK_TIMEOUT,
        audit_key: AuditKeySource | None = None,
        asked_by: Asked | None = None,
    ) -> Self:
        """The store at `url`.

        A SQLite store is brought up to this release first; a PostgreSQL store has to be there
        already.

        Args:
            url: `sqlite:////path/to/store.db` or `postgresql://user:password@host/name`.
            create: make a SQLite file where there is none.
            lock_timeout: seconds to wait for what another process has locked.
            audit_key: asked when something is first recorded; without it nothing can be.
            asked_by: who the upgrade is recorded for, where there is one.

        Raises:
            ConfigurationError: the URL can't be used.
            KeyUnavailable: it has to be upgraded, and that can't be recorded.
            StoreUnavailable: it can't be reached, or its schema is another release's.
        """
        store = cls.connect(url, create=create, lock_timeout=lock_timeout, audit_key=audit_key)
        try:
            schema.require(store, asked_by=asked_by)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        create: bool,
        lock_timeout: float = LOCK_TIMEOUT,
        audit_key: AuditKeySource | None = None,
    ) -> Self:
        """The store at `url`, whatever the release of its schema; arguments and errors as `open` has them."""
        parsed, engine = open_engine(url, create=create, lock_timeout=lock_timeout)
        return cls(engine, url=parsed, lock_timeout=lock_timeout, audit_key=audit_key)

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction that only reads: one state on SQLite, READ COMMITTED on PostgreSQL.

        Raises:
            KeyUnavailable, StoreUnavailable: what it records can't be committed, so its result is not to be used.
        """
        return Reading(super().read(), self.record)

    def write(self, *, first: bool = False) -> AbstractContextManager[Tx]:
        """A transaction that may write; on SQLite it has the write lock from its beginning.

        Args:
            first: as `Database.write` has it.

        Raises:
            KeyUnavailable, StoreUnavailable: what it did or what it records can't be kept, so nothing was.
        """
        return Writing(
            super().write(first=first), self._trail, then=self._checkpoint_quietly, woken=self._wake
        )

    def when_woken(self, wake: Callable[[], None]) -> None:
        """Has `wake` called after each commit of this process that makes something due sooner (`waking.wake`)."""
        self._wake = wake

    def write_with_others(self, act: Callable[[Tx], R]) -> R:
        """What `act` answers, after its transaction is committed.

        On SQLite, where one writes at a time, it may share it with other threads; each is kept or not by itself.

        Args:
            act: writes, and has no other effect: where another's fails it is called again, in a new transaction.

        Raises:
            KeyUnavailable, StoreUnavailable: as `write` does.
            Exception: what `act` raises; nothing of it is kept then.
        """
        if self.dialect != "sqlite":
            with self.write() as tx:
                return act(tx)
        writer = Writer(act)
        try:
            self._writers.submit(writer)
        except Blamed as blamed:
            raise blamed.error from None
        return writer.answers[-1]

    def _write_for_all(self, writers: Sequence["Writer[Any]"]) -> None:
        with self.write() as tx:
            for writer in writers:
                try:
                    writer.answers.append(writer.act(tx))
                except RotatorError as error:
                    raise Blamed(error) from None

    @contextmanager
    def maintain(self) -> Iterator[tuple[Tx, AuditKey, Mapping[int, Link]]]:
        """A write transaction that has locked the heads of all shards: it, the audit key, and the heads.

        Raises:
            AuditBroken: a head is not as it was written.
            KeyUnavailable, StoreUnavailable: as `write` does.
        """
        place: Place | None = None
        committed = False
        try:
            with super().write() as tx:
                # The shard first: who has one, and waits for its head, must not be waited for.
                place = self._trail.take_place()
                yield tx, self._trail.key(), self._trail.heads(tx, for_update=True)
                self._trail.append(tx, place)
            committed = True
        finally:
            if place is not None:
                self._trail.give_back(place, committed=committed)

    def chain(self, tx: Tx) -> None:
        """Puts into the audit what a writing transaction has noted so far, for one that reads the audit itself.

        Raises:
            AuditBroken, KeyUnavailable, StoreUnavailable: it can't be recorded.
        """
        place = self._trail.take_place()
        try:
            self._trail.append(tx, place)
            tx.entries.clear()
        finally:
            # Nobody knows yet whether it will be committed.
            self._trail.give_back(place, committed=False)

    def begin_audit(self, *, anew: bool = False) -> bool:
        """Whether the audit of the store was begun by this call.

        The audit key is made where there is none.

        Args:
            anew: also where the store had an audit, which was removed; its first checkpoint says so.

        Raises:
            AuditBroken: it was begun before, and its heads are not as they were written, or it was removed.
            KeyUnavailable: the key can't be used or made, or is another store's.
            StoreUnavailable: the store can't be written.
        """
        with super().write() as tx:
            return self._trail.begin(tx, anew=anew)

    def audit_key(self) -> AuditKey:
        """The key that the audit is chained under.

        Raises:
            KeyUnavailable: there is none, or it can't be used.
        """
        return self._trail.key()

    def check_audit_key(self, tx: Tx) -> None:
        """Makes sure that the audit key is the one that the audit was begun with.

        Raises:
            KeyUnavailable: it is not, or can't be used.
        """
        self._trail.check_key(tx)

    def audit_state(self) -> tuple[Mapping[int, Link], Checkpoint]:
        """The heads and the last checkpoint, each known to be as it was written.

        Raises:
            AuditBroken, KeyUnavailable, StoreUnavailable: one of them is not, or they can't be read or compared.
        """
        with self.read() as tx:
            heads = self._trail.heads(tx)
            return heads, audit_checkpoints.latest(tx, self._trail.key(), heads[CHECKPOINTS])

    def checkpoint(self, reason: Reason, *entries: AuditEntry) -> int:
        """Writes a checkpoint over all heads, and these records after it; gives its number.

        Raises:
            AuditBroken: a head or the last checkpoint is not as it was written.
            KeyUnavailable, StoreUnavailable: as `write` does.
        """
        with self.maintain() as (tx, key, heads):
            tx.entries.extend(entries)
            return audit_checkpoints.add(tx, key, heads, reason=reason)

    def record(self, *entries: AuditEntry | Draft, accesses: Sequence[Access] = ()) -> None:
        """Commits records of what changed nothing, such as a read or a refusal, with those of other threads.

        Args:
            accesses: what was read.

        Raises:
            KeyUnavailable, StoreUnavailable: they can't be kept, so nobody may be answered as if they were.
        """
        drafts = [Draft.of(each) for each in entries]

        def note(tx: Tx) -> None:
            tx.entries.extend(drafts)
            tx.accesses.extend(accesses)

        self._group.submit(note)

    @property
    def looks_together(self) -> bool:
        """Whether one thread had better look for many (`look_with_others`): SQLite answers within the process."""
        return self.dialect == "sqlite"

    def look_with_others(self, look: Callable[[Tx], R]) -> R:
        """What `look` answers, after what it has recorded is committed.

        One thread looks for all that wait, in the transaction that their records are committed in: threads that looked
        side by side would hand Python's lock to each other at every row, which costs more than the row.

        Args:
            look: reads, and notes records and accesses as the last that it does. Others wait for it, and another thread
                may call it, more than once too.

        Raises:
            KeyUnavailable, StoreUnavailable: what it records can't be committed, so its answer is not to be used.
            RotatorError: what `look` raises.
        """
        looking = Look(look)
        self._group.submit(looking)
        if looking.failure is not None:
            raise looking.failure
        return cast("R", looking.answer)

    def _write_together(self, acts: Sequence[_Act]) -> None:
        with self.write(first=True) as tx:
            for act in acts:
                act(tx)
            accesses.note(tx, tx.accesses)

    def _checkpoint_quietly(self) -> None:
        # What was asked for is committed: a checkpoint that fails is made by who passes the next multiple.
        try:
            self.checkpoint(Reason.PERIODIC)
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not undo the answer
            _log.warning("audit.checkpoint.failed", error=type(error).__name__, message=str(error))
