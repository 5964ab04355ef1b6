"""What is to be done now and then, beside rotations: due times worked out anew, deleted secrets removed."""

import uuid
from collections.abc import Callable
from functools import partial

from rotator import telemetry
from rotator.daemon.loop import Loop
from rotator.daemon.parts import Parts
from rotator.errors import RotatorError
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller

CHORES_EVERY = 60.0
"""Seconds between two rounds."""

_MOST_PURGED = 10_000  # by one round

_log = telemetry.logger("daemon")


class Chores:
    """Rounds in a thread, one at a time.

    Args:
        done: called in the loop after each.
    """

    def __init__(self, loop: Loop, caller: Caller, *, done: Callable[[], None]) -> None:
        self._loop = loop
        self._caller = caller
        self._done = done
        self._at_it = False

    def start(self, parts: Parts) -> None:
        """A round, unless one goes on."""
        if self._at_it:
            return
        self._at_it = True
        self._loop.in_thread("rotator-chores", partial(self._go, parts), failed=self._over)

    def _go(self, parts: Parts) -> None:
        _round(parts.manager, self._caller)
        self._loop.put(self._over)

    def _over(self) -> None:
        self._at_it = False
        self._done()


def _round(manager: SecretsManager, caller: Caller) -> None:
    """What fails is told, and comes again with the next."""
    request_id = str(uuid.uuid4())
    try:
        planned = manager.replan(caller=caller, request_id=request_id)
        if planned.changed or planned.missed:
            _log.info("schedule.replanned", changed=planned.changed, missed=planned.missed)
        if planned.unreadable:
            _log.warning("schedule.unreadable", secrets_arns=planned.unreadable)
        purged = manager.purge(caller=caller, request_id=request_id, limit=_MOST_PURGED)
        if purged:
            _log.info("secrets.purged", number=purged)
    except RotatorError as error:
        _log.warning("chores.failed", error=type(error).__name__, reason=str(error))
    except Exception as error:  # noqa: BLE001  # nobody foresaw it; rotations go on
        _log.error("chores.broken", error=type(error).__name__)
