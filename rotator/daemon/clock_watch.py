"""Notices that the store's clock was set back, by a clock that never is: no grace period or deadline gets longer."""

from dataclasses import dataclass
from datetime import timedelta

from rotator import telemetry
from rotator.sdk import clock
from rotator.store import set_back, waking
from rotator.store.store import Store

CLOCK_EVERY = 10.0
"""Seconds between two looks."""

_DUTY = 0x636C6F63  # of `Sole`: any number that stays, and is no other duty's
_SLACK = 2.0  # seconds by which the two clocks may go apart between two looks

_log = telemetry.logger("daemon")


@dataclass(frozen=True, slots=True)
class _Look:
    """Readings of both clocks: this process's right before and right after the store's."""

    before: float
    store: float
    after: float


class ClockWatch:
    """The watch of one daemon. Of several on one store one does what is to be done. Not for several threads at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sole = store.sole(_DUTY)
        self._last: _Look | None = None

    def go_on(self) -> None:
        """Compares the clocks with what they were at the last call that could do what was to be done.

        Raises:
            StoreUnavailable: the store can't be read or written.
        """
        if not self._sole.is_mine():
            self._last = None
            return
        last, look = self._last, self._look()
        back = 0.0 if last is None else _set_back(last, look)
        if last is None or back <= _SLACK:
            self._last = look
            return
        within = timedelta(seconds=look.after - last.before + _SLACK)
        with self._store.write() as tx:
            moved = set_back.follow(tx, back=timedelta(seconds=back), within=within)
            waking.wake(tx)
        self._last = look
        _log.warning("clock.set_back", seconds=round(back, 3), moved=moved)

    def close(self) -> None:
        """Lets another daemon do it."""
        self._sole.give_back()

    def _look(self) -> _Look:
        before = clock()
        with self._store.read() as tx:
            now = tx.now.timestamp()
        return _Look(before, now, clock())


def _set_back(last: _Look, look: _Look) -> float:
    """Seconds, as little as it can be: a reading that took long is no jump."""
    return look.before - last.after - (look.store - last.store)
