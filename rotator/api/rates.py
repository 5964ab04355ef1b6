"""How many calls a second are answered: in all, of each principal, and of whom nobody knows."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rotator.api.addresses import household
from rotator.api.errors import Throttled
from rotator.model.caller import Caller
from rotator.sdk import clock

_MOST_KNOWN: Final = 10_000  # principals, and addresses, whose calls are remembered
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


class _Buckets:
    """One for each of those who were seen lately."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._of: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def take(self, key: tuple[str, str], now: float) -> bool:
        bucket = self._of.get(key)
        if bucket is None:
            bucket = self._of[key] = Bucket(self.rate, now=now)
            if len(self._of) > _MOST_KNOWN:
                self._of.popitem(last=False)
        else:
            self._of.move_to_end(key)
        return bucket.take(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Calls a second that one process answers; 0 for any number.

    Attributes:
        of_stranger: from one address, those that nobody is known by.
    """

    in_all: float = 0.0
    of_principal: float = 0.0
    of_stranger: float = 0.0


class Rates:
    """Counts calls. Any number of threads may ask."""

    def __init__(self, limits: Limits, *, now: Callable[[], float] = clock) -> None:
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._all = Bucket(limits.in_all, now=now())
        self._principals = _Buckets(limits.of_principal)
        self._strangers = _Buckets(limits.of_stranger)

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
        self._take(self._principals, (caller.account, caller.principal))

    def refuse(self, address: str | None) -> None:
        """Lets a request be refused, and recorded, that nobody is known by; those of callers don't count.

        Without it anyone who reaches the port could fill the audit.

        Raises:
            Throttled: too many came from that address.
        """
        self._take(self._strangers, ("", household(address or "")))

    def _take(self, buckets: "_Buckets", key: tuple[str, str]) -> None:
        if not buckets.rate:
            return
        with self._lock:
            admitted = buckets.take(key, self._now())
        if not admitted:
            raise _too_many()


def _too_many() -> Throttled:
    return Throttled("Rate exceeded")
