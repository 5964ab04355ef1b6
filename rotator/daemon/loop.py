"""The one thread that decides: everything that happens comes to it through a queue, as something to call."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from rotator import telemetry
from rotator.daemon.clockwork import Act, Clockwork
from rotator.daemon.threads import Threads

_log = telemetry.logger("daemon")


class Loop:
    """A queue of acts, what ticks into it, and the threads whose results come back through it."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Act] = SimpleQueue()  # its put is safe in a signal handler
        self._threads = Threads()
        self._clockwork = Clockwork(self._queue.put)
        self.once = self._clockwork.once
        self.every = self._clockwork.every
        self.follow_clock = self._clockwork.follow_clock
        self.put = self._queue.put

    def __enter__(self) -> Self:
        self._clockwork.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clockwork.__exit__(kind, error, traceback)

    def turn(self, *, seconds: float) -> None:
        """Does the next act, where one comes within so many seconds; one that fails is told, and the loop goes on."""
        try:
            act = self._queue.get(timeout=seconds)
        except Empty:
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001  # nobody foresaw it; the other secrets must not wait for a restart
            # Without its message, which may quote a value.
            _log.error("daemon.broken", error=type(error).__name__)

    def in_thread(self, name: str, act: Act, *, failed: Callable[[], None]) -> None:
        """Does `act`, which raises nothing, in a thread, which can't hold up the end of the process.

        Args:
            failed: called where the system has no thread to give.
        """
        try:
            self._threads.start(name, act)
        except RuntimeError:
            _log.error("daemon.broken", error="no thread could be started")
            failed()
