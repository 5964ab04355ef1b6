"""What ends a rotator's process from inside: the engine may be frozen or dead when a verb's time is over."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rotator.sdk import clock

FAREWELL = 1.0
"""Seconds that the plugin may take to close, once nobody sends requests any more."""

_LOOK = 1.0  # seconds between two looks at the clock: a wait doesn't count the time of a suspended machine


class Guard:
    """Kills this process and what it started at a verb's deadline, and as soon as the engine is gone.

    Args:
        requests: the descriptor of the pipe that the engine holds the other end of.
        farewell: seconds between two verbs, from the end of the requests until the process is killed.
        watched: a process above ends what this one started, once it has ended.
    """

    def __init__(self, requests: int, *, farewell: float = FAREWELL, watched: bool = False) -> None:
        self._watched = watched
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._over = False
        self._farewell = farewell
        for watch in (self._end_at_the_deadline, lambda: self._end_with_the_engine(requests)):
            threading.Thread(target=watch, daemon=True).start()

    @contextmanager
    def verb(self, deadline: float) -> Iterator[None]:
        """Nothing of what runs inside outlives `deadline`, a reading of `clock()`, or the engine."""
        if deadline <= clock():
            self._die()
        self._set(deadline)
        try:
            yield
        finally:
            self._set(None)

    def stand_down(self) -> None:
        """The process ends by itself now."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _set(self, deadline: float | None) -> None:
        with self._changed:
            self._deadline = deadline
            self._changed.notify_all()

    def _end_at_the_deadline(self) -> None:
        with self._changed:
            while True:
                remaining = None if self._deadline is None else self._deadline - clock()
                if remaining is not None and remaining <= 0:
                    self._die()
                self._changed.wait(None if remaining is None else min(remaining, _LOOK))

    def _end_with_the_engine(self, requests: int) -> None:
        poll = select.poll()
        poll.register(requests, 0)  # only that the other end was closed
        poll.poll()
        with self._changed:
            self._changed.wait_for(
                lambda: self._over or self._deadline is not None, timeout=self._farewell
            )
            if not self._over:
                self._die()

    def _die(self) -> None:
        if self._watched:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            os.killpg(0, signal.SIGKILL)
