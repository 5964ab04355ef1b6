"""Group commit: what several threads wait for is committed together by one of them.

The first to come leads: it commits what is there. Who comes meanwhile waits, and one of those leads next. There is no
thread of its own, and nobody waits longer than for the commit that is under way and the one after it.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from rotator.errors import RotatorError, StoreUnavailable

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Commits items of many threads together."""

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        """Begins with nobody waiting.

        Args:
            commit: commits all items or none. Where it fails with a `RotatorError` everybody who waits fails so; where
                with something else one of the items is to blame, and each is committed alone.
        """
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[T]] = []
        self._led = False

    def submit(self, item: T) -> None:
        """Returns when the item is committed.

        Raises:
            Exception: what `commit` raised; the item is not known to be committed.
        """
        ticket = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
            leads = not self._led
            self._led = True
        if not leads:
            self._wait(ticket)
        if not ticket.settled:
            self._lead()
        if ticket.failure is not None:
            raise ticket.failure

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._commit_all(batch)
        finally:
            self._pass_on()
            for ticket in batch:
                ticket.settle()

    def _wait(self, ticket: "_Ticket[T]") -> None:
        try:
            ticket.wake.acquire()
        except BaseException:  # Ctrl-C: those behind it must not wait for a leader that is gone
            with self._lock:
                leads = ticket.leads
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
            if leads and not ticket.settled:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
            if following is not None:
                following.leads = True
                following.wake.release()

    def _commit_all(self, batch: Sequence["_Ticket[T]"]) -> None:
        try:
            self._commit([ticket.item for ticket in batch])
        except RotatorError as error:
            for ticket in batch:
                ticket.failure = type(error)(*error.args)
        except Exception as error:  # noqa: BLE001  # it is raised where the item was submitted
            if len(batch) == 1:
                batch[0].failure = error
                return
            for ticket in batch:
                self._commit_all([ticket])
        else:
            for ticket in batch:
                ticket.failure = None


class _Ticket(Generic[T]):
    """One item that waits.

    Attributes:
        leads: it is its turn to commit what waits.
        failure: why it was not committed. Until it is, as when its leader is interrupted.
    """

    __slots__ = ("failure", "item", "leads", "settled", "wake")

    def __init__(self, item: T) -> None:
        self.item = item
        self.settled = False
        self.leads = False
        self.failure: Exception | None = StoreUnavailable(
            "What had to be recorded was not committed, because the process is ending. Try again."
        )
        self.wake = threading.Lock()
        self.wake.acquire()

    def settle(self) -> None:
        """Wakes who waits for it."""
        self.settled = True
        self.wake.release()
