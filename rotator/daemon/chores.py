"""What is to be done now and then: due times worked out anew, deleted secrets and old versions removed."""

import uuid
from collections.abc import Callable, Sequence

from rotator import telemetry
from rotator.daemon.parts import Parts
from rotator.model.caller import Caller

CHORES_EVERY = 60.0
"""Seconds between two rounds."""

_MOST_PURGED = 10_000  # secrets, by one round
_LOOKED_AT = 1000  # secrets whose versions one round counts: a million in less than a day

_log = telemetry.logger("daemon")


class Chores:
    """The rounds of one daemon. Not for several threads at once.

    Args:
        callers: gives the engine as a caller, for each account and region with secrets.
    """

    def __init__(self, callers: Callable[[], Sequence[Caller]]) -> None:
        self._callers = callers
        self._pruned_until: dict[tuple[str, str], int] = {}

    def do(self, parts: Parts) -> None:
        """One round.

        Raises:
            RotatorError: the store can't be read or written, or the settings don't let due times be worked out.
        """
        for caller in self._callers():
            self._do(parts, caller)

    def _do(self, parts: Parts, caller: Caller) -> None:
        manager, request_id = parts.manager, str(uuid.uuid4())
        planned = manager.replan(caller=caller, request_id=request_id)
        if planned.changed or planned.missed:
            _log.info("schedule.replanned", changed=planned.changed, missed=planned.missed)
        if planned.unreadable:
            _log.warning("schedule.unreadable", secrets_arns=planned.unreadable)
        purged = manager.purge(caller=caller, request_id=request_id, limit=_MOST_PURGED)
        if purged:
            _log.info("secrets.purged", number=purged)
        place = (caller.account, caller.region)
        pruned, self._pruned_until[place] = manager.prune_versions(
            caller=caller,
            request_id=request_id,
            after=self._pruned_until.get(place, 0),
            secrets_at_most=_LOOKED_AT,
        )
        if pruned:
            _log.info("versions.pruned", number=pruned)
