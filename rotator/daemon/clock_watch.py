"""Notices that the store's clock was set back, by a clock that never is: no grace period or deadline gets longer."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rotator import telemetry
from rotator.model.caller import Caller
from rotator.sdk import clock
from rotator.store import audit, set_back, waking
from rotator.store.audit import Outcome
from rotator.store.set_back import SetBack
from rotator.store.store import Store
from rotator.store.tx import Tx

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
    """The watch of one daemon. Of several on one store one does what is to be done. Not for several threads at once.

    Args:
        callers: gives the engine as a caller, for each account and region with secrets.
    """

    def __init__(self, store: Store, callers: Callable[[], Sequence[Caller]]) -> None:
        self._store = store
        self._callers = callers
        self._sole = store.sole(_DUTY)
        self._last: _Look | None = None

    def go_on(self) -> None:
        """Compares the clocks with what they were at the last call that could do what was to be done, and at the first
        one the store's with the latest moment in the audit.

        Raises:
            StoreUnavailable: the store can't be read or written.
        """
        if not self._sole.is_mine():
            self._last = None
            return
        last, look = self._last, self._look()
        if last is None:
            self._catch_up()
        elif (back := _set_back(last, look)) > _SLACK:
            within = timedelta(seconds=look.after - last.before + _SLACK)
            self._follow(lambda _: SetBack(back=timedelta(seconds=back), within=within))
        self._last = look

    def close(self) -> None:
        """Lets another daemon do it."""
        self._sole.give_back()

    def _catch_up(self) -> None:
        """Does what no daemon was there to do."""
        with self._store.read() as tx:
            if set_back.noticed(tx) is None:
                return
        self._follow(set_back.noticed)

    def _follow(self, told: Callable[[Tx], SetBack | None]) -> None:
        callers = self._callers()
        if not callers:
            return  # no secrets, so no rotations
        with self._store.write() as tx:
            found = told(tx)
            if found is None:
                return
            latest = max(filter(None, (set_back.latest_moment(tx), tx.now)))
            moved = set_back.follow(tx, back=found.back, within=found.within)
            seconds = round(found.back.total_seconds(), 3)
            detail = {"seconds": seconds, "moved": moved, "latest": latest.isoformat()}
            audit.record(
                tx,
                caller=callers[0],
                request_id=str(uuid.uuid4()),
                event=set_back.EVENT,
                secret_arn=None,
                version_id=None,
                outcome=Outcome.SUCCEEDED,
                detail=detail,
            )
            waking.wake(tx)
        _log.warning("clock.set_back", seconds=seconds, moved=moved)

    def _look(self) -> _Look:
        before = clock()
        with self._store.read() as tx:
            now = tx.now.timestamp()
        return _Look(before, now, clock())


def _set_back(last: _Look, look: _Look) -> float:
    """Seconds, as little as it can be: a reading that took long is no jump."""
    return look.before - last.after - (look.store - last.store)
