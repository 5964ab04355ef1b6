"""Passes notices on, each to everybody who is to be told: some attempts each, and nobody waits for another."""

import random
import threading
from collections.abc import Callable, Mapping
from functools import partial
from queue import Empty, Full, Queue

from rotator import telemetry
from rotator.daemon import telling
from rotator.sdk import Notice, Notifier, clock

_MOST_WAITING = 1000  # notices for one notifier
_ATTEMPTS = 4
_FIRST_PAUSE = 1.0
_FACTOR = 4.0
_TIME_LIMIT = 60.0  # seconds for one attempt; the notifier's own limit may be shorter
_LAST_WORDS = 5.0  # seconds for what is left at the end

_log = telemetry.logger("daemon")
Counted = Callable[[str, str], None]


class Notices:
    """Those who are to be told, by their names."""

    def __init__(self, notifiers: Mapping[str, Notifier]) -> None:
        self._lines = [_Line(name, notifier) for name, notifier in notifiers.items()]

    def send(self, notice: Notice, *, counted: Counted) -> None:
        """Has a notice passed on; nothing waits for that.

        Args:
            counted: called with each notifier's name and what came of it: `sent`, `failed`, `dropped`.
        """
        for line in self._lines:
            line.put(notice, counted)

    def close(self) -> None:
        """Takes no more; what waits is passed on, for a few seconds."""
        until = clock() + _LAST_WORDS
        for line in self._lines:
            line.close(until)


class _Line:
    """The notices that wait for one notifier, and the thread that passes them on while there are any."""

    def __init__(self, name: str, notifier: Notifier) -> None:
        self._name = name
        self._notifier = notifier
        self._waiting: Queue[Callable[[], None]] = Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def put(self, notice: Notice, counted: Counted) -> None:
        try:
            self._waiting.put_nowait(partial(self._pass_on, notice, counted))
        except Full:
            _log.error("notification.dropped", notifier=self._name, **_of(notice))
            counted(self._name, "dropped")
            return
        with self._lock:
            if self._thread is None:
                self._thread = self._started()

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(
            target=self._work, name=f"rotator-notify-{self._name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the system has none to give; the next notice takes along what waits
            _log.error("daemon.broken", error="no thread could be started")
            return None
        return thread

    def close(self, until: float) -> None:
        self._closed.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(max(0.0, until - clock()))

    def _work(self) -> None:
        while True:
            try:
                act = self._waiting.get_nowait()
            except Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            act()

    def _pass_on(self, notice: Notice, counted: Counted) -> None:
        log = _log.bind(notifier=self._name, **_of(notice))
        pause = _FIRST_PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._notifier.notify(notice, deadline=clock() + _TIME_LIMIT)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, the others are to be told
                log.warning("notification.failed", attempt=attempt, **telling.why(error))
            else:
                log.info("notification.sent", attempt=attempt)
                counted(self._name, "sent")
                return
            if attempt < _ATTEMPTS:
                self._closed.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  # it only spreads load
                pause *= _FACTOR
        log.error("notification.given_up", attempts=_ATTEMPTS)
        counted(self._name, "failed")


def _of(notice: Notice) -> dict[str, object]:
    return {
        "kind": notice.kind,
        "secret_name": notice.secret_name,
        "rotation": notice.rotation,
    }
