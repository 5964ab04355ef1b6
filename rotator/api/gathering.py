"""Threads to which calls are handed over by the batch: what has come while they were busy goes to the next one free.

A thread for each call would cost a wake-up there and one back, and Python's lock would go from hand to hand at every
row that one of them reads. And a commit costs nearly the same for one call as for many: whoever was answered together
is likely to ask again together, so the first to ask again waits a moment for the others.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

J = TypeVar("J")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Awaiting(Protocol[T_contra]):
    """Who is told what came of a call, in the thread of the loop: a future, or what costs less than one."""

    def cancelled(self) -> bool:
        """Whether it is not to be told any more."""
        ...

    def set_result(self, result: T_contra, /) -> None:
        """Told what was answered; it must not raise."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Told what was raised for the batch; it must not raise."""
        ...


class _Batch(Generic[J, T]):
    """Some calls, the answers that are waited for, and what came of them."""

    __slots__ = ("answers", "error", "jobs", "outcomes")

    def __init__(self, waiting: Sequence[tuple[J, Awaiting[T]]]) -> None:
        self.jobs = [job for job, _ in waiting]
        self.answers = [answer for _, answer in waiting]
        self.outcomes: Sequence[T] = ()
        self.error: BaseException | None = None


class Gathering(Generic[J, T]):
    """Hands what gathers to a few threads. For one event loop, whose thread alone may ask.

    Args:
        work: gives as many outcomes as there are jobs, in their order.
        threads: how many; each is started when it is first needed. While one waits for the disk, another works.
        most: jobs of one batch.
        patience: seconds that the first of a batch waits, at most, for as many as the last batch had.
        name: what the threads' names begin with.
    """

    def __init__(
        self,
        work: Callable[[Sequence[J]], Sequence[T]],
        *,
        threads: int,
        most: int,
        patience: float,
        name: str,
    ) -> None:
        self._work = work
        self._most = most
        self._size = threads
        self._name = name
        self._waiting: deque[tuple[J, Awaiting[T]]] = deque()
        self._patience = patience
        self._expected = 1
        self._parting: asyncio.Handle | None = None
        self._is_due = False
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._batches: SimpleQueue[_Batch[J, T] | None] = SimpleQueue()
        self._done: deque[_Batch[J, T]] = deque()

    def perform(self, job: J) -> "asyncio.Future[T]":
        """What `work` will have answered to the job; it fails with what `work` raises for the batch."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.hand_in(job, answer)
        return answer

    def hand_in(self, job: J, answer: Awaiting[T]) -> None:
        """Has whoever awaits the answer told what came of the job."""
        self._waiting.append((job, answer))
        if self._idle or len(self._threads) < self._size:
            self._part_soon(asyncio.get_running_loop())

    def close(self) -> None:
        """Ends the threads, when what they were given is done."""
        for _ in self._threads:
            self._batches.put(None)
        for thread in self._threads:
            thread.join()

    def _part_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has what waits given to a thread, now that one has nothing to do."""
        if len(self._waiting) >= self._expected:
            if not self._is_due:
                self._is_due = True
                if self._parting is not None:
                    self._parting.cancel()
                # Not at once: other calls that have come in this turn of the loop are yet to be read.
                self._parting = loop.call_soon(self._part, loop)
        elif self._parting is None:
            self._parting = loop.call_later(self._patience, self._part, loop)

    def _part(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gives what waits to the threads that have nothing to do."""
        self._parting, self._is_due = None, False
        while self._waiting:
            if not self._idle and not self._starts_one(loop):
                return
            count = min(len(self._waiting), self._most)
            self._expected = count
            self._idle -= 1
            self._batches.put(_Batch([self._waiting.popleft() for _ in range(count)]))

    def _starts_one(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is another thread now; where there can be none at all, what waits has failed."""
        if len(self._threads) >= self._size:
            return False
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=self._run, args=(loop,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the machine has none to give
            while self._waiting and not self._threads:
                self._fail(self._waiting.popleft()[1], error)
            return False
        self._threads.append(thread)
        self._idle += 1
        return True

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                batch.outcomes = self._work(batch.jobs)
            except BaseException as error:  # noqa: BLE001  # it is raised where the work was asked for
                batch.error = error
            self._done.append(batch)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._answer, loop)
            del batch

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._done.popleft()
        self._idle += 1
        if self._waiting:
            self._part_soon(loop)
        if batch.error is not None:
            for answer in batch.answers:
                self._fail(answer, batch.error)
            return
        for answer, outcome in zip(batch.answers, batch.outcomes, strict=True):
            if not answer.cancelled():
                answer.set_result(outcome)

    @staticmethod
    def _fail(answer: Awaiting[T], error: BaseException) -> None:
        if not answer.cancelled():
            answer.set_exception(error)
