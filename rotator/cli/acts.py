"""What a process that serves is asked to do, by signals and by its threads; its main thread does it."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

Act = Callable[[], None]

_LOOK: Final = 0.5  # seconds


class Acts:
    """Acts in the order in which they were asked for.

    Python runs the handler of a signal in the main thread, and the system may have handed the signal to another one:
    who waits for the next act therefore wakes up now and then.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Act] = SimpleQueue()  # its put is safe in a signal handler
        self.put = self._queue.put

    def next(self) -> Act:
        """The next one, once it is there."""
        while True:
            try:
                return self._queue.get(timeout=_LOOK)
            except Empty:
                continue

    def until_stopped(self) -> None:
        """Does them until one raises `Stopped`."""
        try:
            while True:
                self.next()()
        except Stopped:
            return


class Stopped(Exception):  # what is raised to end a loop is no error
    """There is nothing to do any more."""


def stop() -> None:
    """The act that ends the loop.

    Raises:
        Stopped: always.
    """
    raise Stopped
