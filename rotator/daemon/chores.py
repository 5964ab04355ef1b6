"""What is to be done now and then, beside rotations: due times worked out anew, deleted secrets removed."""

import uuid

from rotator import telemetry
from rotator.errors import RotatorError
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller

CHORES_EVERY = 60.0
"""Seconds between two rounds."""

_MOST_PURGED = 10_000  # by one round

_log = telemetry.logger("daemon")


def do_chores(manager: SecretsManager, caller: Caller) -> None:
    """One round. What fails is told, and comes again with the next."""
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
