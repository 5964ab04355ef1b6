"""Transactions that leave audit records: a reader's are committed after it, a writer's with it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from rotator.store.audit_trail import Place, Trail
from rotator.store.tx import Tx


class Reading:
    """A reading transaction, whose records are committed after it. A class, because a generator costs as much."""

    __slots__ = ("_begun", "_record", "_tx")

    def __init__(self, begun: AbstractContextManager[Tx], record: Callable[..., None]) -> None:
        self._begun = begun
        self._record = record

    def __enter__(self) -> Tx:
        self._tx = tx = self._begun.__enter__()
        return tx

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._begun.__exit__(kind, error, traceback)
        if kind is None and self._tx.entries:
            self._record(*self._tx.entries)


class Writing:
    """A writing transaction, whose records go into the audit right before its commit. A class, as `Reading` is."""

    __slots__ = ("_begun", "_then", "_trail", "_tx", "_woken")

    def __init__(
        self,
        begun: AbstractContextManager[Tx],
        trail: Trail,
        *,
        then: Callable[[], None],
        woken: Callable[[], None] | None,
    ) -> None:
        self._begun = begun
        self._trail = trail
        self._then = then
        self._woken = woken

    def __enter__(self) -> Tx:
        self._tx = tx = self._begun.__enter__()
        return tx

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and self._tx.entries:
            self._commit_with_records()
        else:
            self._begun.__exit__(kind, error, traceback)
        if kind is None and self._tx.wakes and self._woken is not None:
            self._woken()

    def _commit_with_records(self) -> None:
        place: Place | None = None
        committed = False
        try:
            try:
                # As late as can be: the head of a shard is the last lock that a transaction takes.
                place = self._trail.take_place()
                self._trail.append(self._tx, place)
            except BaseException as failure:
                self._begun.__exit__(type(failure), failure, failure.__traceback__)
                raise
            self._begun.__exit__(None, None, None)
            committed = True
        finally:
            if place is not None:
                self._trail.give_back(place, committed=committed)
        if place.checkpoint_due:
            self._then()
