"""Whose turn it is to write, among the threads of one process."""

import threading
from collections import deque


class WriteTurn:
    """One at a time, in the order in which they came; but what many wait for goes before what one waits for.

    A plain lock is taken by whoever asks at the right moment, again and again, while others wait for seconds. Who goes
    first can't keep the others out either, as long as there is no more than one of these at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._first: deque[threading.Lock] = deque()
        self._others: deque[threading.Lock] = deque()

    def take(self, *, timeout: float, first: bool = False) -> bool:
        """Waits for the turn and takes it; False where that took too long.

        Args:
            timeout: seconds to wait at most.
            first: goes before those who came earlier without it.
        """
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
        return self._wait(self._first if first else self._others, timeout=timeout)

    def give_up(self) -> None:
        """Ends the turn and hands it to the next one."""
        with self._lock:
            queue = self._first or self._others
            if queue:
                queue.popleft().release()
            else:
                self._taken = False

    def _wait(self, queue: deque[threading.Lock], *, timeout: float) -> bool:
        wake = threading.Lock()
        wake.acquire()
        queued = False
        try:
            with self._lock:
                if not self._taken:
                    self._taken = True
                    return True
                queue.append(wake)
                queued = True
            return wake.acquire(timeout=timeout) or not self._left(queue, wake)
        except BaseException:
            # Ctrl-C: where the turn has come meanwhile, nobody else would get it.
            if not self._left(queue, wake) and queued:
                self.give_up()
            raise

    def _left(self, queue: deque[threading.Lock], wake: threading.Lock) -> bool:
        """Whether who waited no longer does; False where its turn has just come."""
        with self._lock:
            if wake in queue:
                queue.remove(wake)
                return True
        return False
