"""Tasks that could not begin, or were broken off: they stay due, and a person has to know."""

from collections.abc import Callable
from datetime import datetime, timedelta

from rotator.daemon import telling
from rotator.daemon.backoff import Holds
from rotator.daemon.planner import Task
from rotator.errors import KeyUnavailable, RotationInProgress, StoreUnavailable
from rotator.sdk import Notice

_PASSES = (StoreUnavailable, KeyUnavailable)  # by itself, in most cases
_SAME_WINDOW = timedelta(hours=1)  # a rotation that waits is due anew after each attempt
_LASTS_AFTER = 5  # refusals in a row, half a minute


class Refusals:
    """Holds such tasks back for longer and longer, and tells of each once in a window.

    Args:
        notify: passes a notice on.
    """

    def __init__(self, notify: Callable[[Notice], None]) -> None:
        self._notify = notify
        self._holds = Holds()
        self._told: dict[str, datetime] = {}
        self.held = self._holds.held
        self.next_in = self._holds.next_in

    def begun(self, task: Task) -> None:
        """It has come to a report."""
        self._holds.begun(task.arn)
        self._told.pop(task.arn, None)

    def refused(
        self, task: Task, error: Exception | None, rotation: str | None, *, now: float
    ) -> None:
        """It has come to none.

        Args:
            error: None where it was not due any more.
            rotation: its id, where it had begun.
        """
        if error is None:
            self._holds.passed(task.arn, now=now)
            return
        again_in = self._holds.refused(task.arn, now=now)
        telling.refused(telling.log_of(task, rotation), error, again_in=again_in)
        if self._is_worth_telling(task, error):
            self._told[task.arn] = task.since
            self._notify(telling.notice_of_refusal(task, error, rotation))

    def _is_worth_telling(self, task: Task, error: Exception) -> bool:
        told = self._told.get(task.arn)
        if isinstance(error, RotationInProgress):
            return False
        if told is not None and task.since - told < _SAME_WINDOW:
            return False
        return not isinstance(error, _PASSES) or self._holds.times(task.arn) >= _LASTS_AFTER
