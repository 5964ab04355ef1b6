"""How many calls a second are answered: in all, and of each principal."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rotator.api.errors import Throttled
from rotator.model.caller import Caller
from rotator.sdk import clock

_MOST_KNOWN: Final = 10_000  # principals whose calls are remembered
_BURST: Final = 2.0  # seconds' worth of calls that may come at once


class Bucket:
    """Fills with so many a second; every call takes one out."""

    __slots__ = ("_left", "_most", "_rate", "_since")

    def __init__(self, rate: float, *, now: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * _BURST)
        self._left = self._most
        self._since = now

    def take(self, now: float) -> bool:
        """Whether there was one left."""
        self._left = min(self._most, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Calls a second that one process answers; 0 for any number."""

    in_all: float = 0.0
    of_principal: float = 0.0


class Rates:
    """Counts calls. Any number of threads may ask."""

    def __init__(self, limits: Limits, *, now: Callable[[], float] = clock) -> None:
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._all = Bucket(limits.in_all, now=now())
        self._of: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def enter(self) -> None:
        """Lets a call in, before anything is known of it.

        Raises:
            Throttled: there are too many.
        """
        if not self._limits.in_all:
            return
        with self._lock:
            admitted = self._all.take(self._now())
        if not admitted:
            raise _too_many()

    def admit(self, caller: Caller) -> None:
        """Lets a caller call once more.

        Raises:
            Throttled: it calls too often.
        """
        if not self._limits.of_principal:
            return
        key = (caller.account, caller.principal)
        now = self._now()
        with self._lock:
            bucket = self._of.get(key)
            if bucket is None:
                bucket = self._of[key] = Bucket(self._limits.of_principal, now=now)
                if len(self._of) > _MOST_KNOWN:
                    self._of.popitem(last=False)
            else:
                self._of.move_to_end(key)
            admitted = bucket.take(now)
        if not admitted:
            raise _too_many()


def _too_many() -> Throttled:
    return Throttled("Rate exceeded")
