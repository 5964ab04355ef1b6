"""Threads that are used again: to start one costs more than most of what it then does for a task."""

import threading
from collections.abc import Callable

Act = Callable[[], None]

_IDLE_AT_MOST = 30.0  # seconds that a thread waits for something to do


class Threads:
    """As many threads as there are acts at once; none of them can hold up the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def start(self, name: str, act: Act) -> None:
        """Has `act`, which raises nothing, done in a thread that is called `name` meanwhile.

        Raises:
            RuntimeError: the system has no thread to give.
        """
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = _Worker(self)
            worker.give(name, act)
            worker.thread.start()
        else:
            worker.give(name, act)

    def rest(self, worker: "_Worker") -> None:
        """It has nothing to do."""
        with self._lock:
            self._idle.append(worker)

    def leave(self, worker: "_Worker") -> bool:
        """Whether it may end; False where it was just given something to do."""
        with self._lock:
            if worker in self._idle:
                self._idle.remove(worker)
                return True
        return False


class _Worker:
    def __init__(self, threads: Threads) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._threads = threads
        self._given = threading.Lock()
        self._given.acquire()
        self._act: Act = _nothing

    def give(self, name: str, act: Act) -> None:
        self.thread.name = name
        self._act = act
        self._given.release()

    def _run(self) -> None:
        while self._is_given():
            act, self._act = (
                self._act,
                _nothing,
            )  # what it holds may be a lot, and the next one come late
            act()
            del act
            self._threads.rest(self)

    def _is_given(self) -> bool:
        """Waits for something to do; False where nothing came for long."""
        if self._given.acquire(timeout=_IDLE_AT_MOST):
            return True
        if self._threads.leave(self):
            return False
        self._given.acquire()  # somebody is about to give it something
        return True


def _nothing() -> None:
    pass
