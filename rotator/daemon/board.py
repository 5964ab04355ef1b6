"""What is due, what runs, and who is left alone for now; it says what starts next. Used by the loop alone."""

from collections.abc import Callable, Collection, Iterable

from rotator import telemetry
from rotator.daemon import planner
from rotator.daemon.backoff import Breakers
from rotator.daemon.metrics import Metrics
from rotator.daemon.planner import Caps, Running, Task, Waiting
from rotator.daemon.refusals import Refusals
from rotator.rotation.report import Report
from rotator.sdk import FailureKind, clock

_SHUFFLED = 8  # times as many tasks as may run at once are mixed, so the earliest still go first
_UNREACHED = frozenset({FailureKind.UNREACHABLE})

_log = telemetry.logger("daemon")


class Board:
    """Of one daemon.

    Args:
        shares: other daemons look at the same store.
        chance: a random number from 0 to 1.
    """

    def __init__(
        self, refusals: Refusals, metrics: Metrics, *, shares: bool, chance: Callable[[], float]
    ) -> None:
        self._refusals = refusals
        self._metrics = metrics
        self._shares = shares
        self._chance = chance
        self._waiting = Waiting()
        self._running = Running()
        self._breakers = Breakers()
        self.next_in = refusals.next_in

    @property
    def running(self) -> Collection[Task]:
        """What has begun and is not over."""
        return tuple(self._running)

    @property
    def has_more(self) -> bool:
        """Whether something that was seen has not begun."""
        return len(self._waiting) > 0

    def see(self, due: Iterable[Task], *, caps: Caps) -> None:
        """What is due, in place of what was seen before."""
        held = self._refusals.held(clock())
        # What runs may have been read before its claim.
        left = [task for task in due if not self._running.has(task.arn) and task.arn not in held]
        if self._shares:
            left = planner.shuffled(left, size=_SHUFFLED * caps.workers, chance=self._chance)
        self._waiting = Waiting(left)

    def take(self, *, caps: Caps) -> tuple[Task, ...]:
        """What starts now, and runs from now on."""
        paused = self._breakers.caps(clock())
        chosen = self._waiting.take(self._running, caps=caps, targets=paused)
        self._metrics.waiting(len(self._waiting), paused=len(paused))
        for task in chosen:
            self._running.add(task)
        return chosen

    def ended(
        self, task: Task, report: Report | None, error: Exception | None, rotation: str | None
    ) -> None:
        """One that ran is over.

        Args:
            report: None where it did not begin or was broken off, by `error` where there is one.
            rotation: its id, where it had begun.
        """
        self._running.remove(task)
        now = clock()
        if report is None:
            self._refusals.refused(task, error, rotation, now=now)
            return
        self._refusals.begun(task)
        if task.target is not None:
            unreached = report.failure is not None and report.failure.kind in _UNREACHED
            pause = self._breakers.note(task.target, reached=not unreached, now=now)
            if pause is not None:
                _log.warning("target.paused", target=task.target, seconds=pause)
