"""Threads that work for an event loop, with as little between them and it as can be.

An executor's future costs two locks, three callbacks and a wake-up of the loop for each call, which together are more
than a read of a secret. Here who is done leaves its outcome, and the loop is woken once for all that are there.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class _Job(Generic[T]):
    __slots__ = ("answer", "error", "outcome", "work")

    def __init__(self, work: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        self.work = work
        self.answer = answer
        self.outcome: T | None = None
        self.error: BaseException | None = None


class Crew(Generic[T]):
    """Some threads, and one loop that they work for.

    Args:
        size: how many; each is started when it is first needed.
        name: what the threads' names begin with.
    """

    def __init__(self, size: int, *, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[_Job[T] | None] = SimpleQueue()
        self._done: deque[_Job[T]] = deque()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._under_way = 0
        self._told = False

    async def perform(self, work: Callable[[], T]) -> T:
        """What `work` answers, or raises, in one of the threads.

        Raises:
            RuntimeError: no thread can be started, and there is none.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        if self._under_way >= len(self._threads) < self._size:
            self._start_one(loop)
        self._under_way += 1
        self._jobs.put(job)
        answer: T = await job.answer
        return answer

    def close(self) -> None:
        """Ends the threads, when what they do is done."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _start_one(self, loop: asyncio.AbstractEventLoop) -> None:
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=self._work, args=(loop,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has none to give
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.outcome = job.work()
            except BaseException as error:  # noqa: BLE001  # it is raised where the work was asked for
                job.error = error
            self._done.append(job)
            with self._lock:
                tells, self._told = not self._told, True
            if tells:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(self._answer_all)
            del job

    def _answer_all(self) -> None:
        with self._lock:
            self._told = False
        while self._done:
            job = self._done.popleft()
            self._under_way -= 1
            if job.answer.cancelled():
                continue
            if job.error is not None:
                job.answer.set_exception(job.error)
            else:
                job.answer.set_result(job.outcome)  # type: ignore[arg-type]  # there is one, where there is no error
