"""Hears what other processes say of due moments that come sooner, and goes on trying where it can't."""

import random
import threading
from collections.abc import Callable

from rotator import telemetry
from rotator.errors import StoreUnavailable
from rotator.store.store import Store

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_AT_ONCE = (
    3600.0  # seconds of one wait: it ends as soon as something is said, or the session is lost
)

_log = telemetry.logger("daemon")


def wake_on_change(store: Store, wake: Callable[[], None]) -> None:
    """Has `wake` called whenever something may be due sooner than it was.

    On PostgreSQL whichever process changes it; on SQLite this process only, and what others change is seen at the next
    poll.
    """
    if store.dialect == "sqlite":
        store.when_woken(wake)
        return
    listen = threading.Thread(
        target=_listen, args=(store, wake), name="rotator-wakeup", daemon=True
    )
    listen.start()


def _listen(store: Store, wake: Callable[[], None]) -> None:
    pause, told = _FIRST_PAUSE, False
    pausing = threading.Event()
    while True:
        try:
            with store.listening() as listener:
                if told:
                    _log.info("wakeup.back")
                pause, told = _FIRST_PAUSE, False
                wake()  # something may have been said while nobody listened
                while True:
                    if listener.wait(_AT_ONCE):
                        wake()
        except Exception as error:  # noqa: BLE001  # whatever it is, polling goes on, and so do the attempts
            if not told:
                reason = str(error) if isinstance(error, StoreUnavailable) else None
                _log.warning("wakeup.lost", error=type(error).__name__, reason=reason)
            told = True
        pausing.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  # it spreads load, and guards nothing
        pause = min(2 * pause, _LONGEST_PAUSE)
