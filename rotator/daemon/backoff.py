"""Who is left alone for a while: targets that can't be reached, secrets whose rotation can't even begin.

Pure: times are readings of a monotonic clock, in seconds, and come in as arguments.
"""

from dataclasses import dataclass, field

_LONGEST = 300.0
_FAILURES_TO_OPEN = 3
_FIRST_PAUSE = 15.0
_FIRST_HOLD = 1.0
_MOST_DOUBLINGS = 16


@dataclass(slots=True)
class _Trouble:
    times: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Breakers:
    """A circuit breaker for each target, so that one that is down isn't hammered by all of its secrets.

    After three tasks in a row that did not reach it nothing is started on it for a while; then one task at a time
    tries, and the first that reaches it lets all others in again.
    """

    _troubles: dict[str, _Trouble] = field(default_factory=dict)

    def note(self, target: str, *, reached: bool, now: float) -> float | None:
        """Notes how a task on a target ended; seconds for which nothing is started on it then, None for none."""
        if reached:
            self._troubles.pop(target, None)
            return None
        trouble = self._troubles.setdefault(target, _Trouble())
        trouble.times += 1
        extra = trouble.times - _FAILURES_TO_OPEN
        if extra < 0:
            return None
        pause = _doubled(_FIRST_PAUSE, extra)
        trouble.until = now + pause
        return pause

    def caps(self, now: float) -> dict[str, int]:
        """How many tasks may be at the targets that have failed too often: none during the pause, then one."""
        return {
            target: 0 if now < trouble.until else 1
            for target, trouble in self._troubles.items()
            if trouble.times >= _FAILURES_TO_OPEN
        }


@dataclass(slots=True)
class Holds:
    """Secrets whose task did not begin: what was refused stays due, and is tried again after longer and longer."""

    _troubles: dict[str, _Trouble] = field(default_factory=dict)

    def refused(self, arn: str, *, now: float) -> float:
        """Notes that; seconds until it is tried again."""
        trouble = self._troubles.setdefault(arn, _Trouble())
        pause = _doubled(_FIRST_HOLD, trouble.times)
        trouble.times += 1
        trouble.until = now + pause
        return pause

    def passed(self, arn: str, *, now: float) -> None:
        """It was not due any more: left alone for a moment, since a list that was read before may still have it."""
        trouble = self._troubles.setdefault(arn, _Trouble())
        trouble.until = max(trouble.until, now + _FIRST_HOLD)

    def begun(self, arn: str) -> None:
        """Its task did begin."""
        self._troubles.pop(arn, None)

    def times(self, arn: str) -> int:
        """How often it was refused in a row."""
        trouble = self._troubles.get(arn)
        return 0 if trouble is None else trouble.times

    def held(self, now: float) -> frozenset[str]:
        """ARNs of the secrets that are left alone now."""
        # One that nobody came back to has been rotated elsewhere, or removed.
        for arn in [arn for arn, one in self._troubles.items() if now > one.until + _LONGEST]:
            del self._troubles[arn]
        return frozenset(arn for arn, trouble in self._troubles.items() if now < trouble.until)

    def next_in(self, now: float) -> float | None:
        """Seconds until the first of them is to be tried again; None where none is left alone."""
        pauses = [one.until - now for one in self._troubles.values() if now < one.until]
        return min(pauses, default=None)


def _doubled(first: float, times: int) -> float:
    return min(_LONGEST, first * 2.0 ** min(times, _MOST_DOUBLINGS))
