"""Looks at what is due, in a thread, one look at a time: a store that keeps it waiting holds up no decision."""

from collections.abc import Callable
from functools import partial

from rotator.daemon.agenda import Agenda
from rotator.daemon.loop import Loop
from rotator.daemon.planner import Task
from rotator.sdk import clock


class Looking:
    """Used by the loop alone.

    Args:
        read: what is due, in the thread.
        looked: called in the loop with what was read, or with why it could not be.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        read: Callable[[], Agenda],
        looked: Callable[[Agenda | None, Exception | None], None],
    ) -> None:
        self._loop = loop
        self._read = read
        self._looked = looked
        self._at_it = False
        self._again = False
        self._ended_meanwhile: set[str] = set()
        self._found: Agenda | None = None
        self.at = clock()
        """When the last look began, on the clock that never jumps."""

    def start(self) -> None:
        """Looks; once more after a look that goes on already, for it may have missed what happened since."""
        if self._at_it:
            self._again = True
            return
        self._at_it, self._again = True, False
        self.at = clock()
        self._ended_meanwhile.clear()
        failed = partial(self._over, None, RuntimeError())
        self._loop.in_thread("rotator-look", self._go, failed=partial(self._loop.put, failed))

    def ended(self, task: Task) -> None:
        """A task is over."""
        self._ended_meanwhile.add(task.arn)

    def still_due(self, found: Agenda) -> tuple[Task, ...]:
        """Its tasks, without those that ended after it was read: they would be found not due."""
        return tuple(task for task in found.tasks if task.arn not in self._ended_meanwhile)

    def lateness(self, task: Task) -> float:
        """Seconds since a task became due, by the store's clock and what has passed since it was read."""
        if self._found is None:
            return 0.0
        return (self._found.now - task.since).total_seconds() + clock() - self.at

    def _go(self) -> None:
        try:
            found = self._read()
        except Exception as error:  # noqa: BLE001  # whatever it is, the next look may find the store well again
            self._loop.put(partial(self._over, None, error))
        else:
            self._loop.put(partial(self._over, found, None))

    def _over(self, found: Agenda | None, error: Exception | None) -> None:
        self._at_it = False
        if found is not None:
            self._found = found
        self._looked(found, error)
        if self._again:
            self.start()
