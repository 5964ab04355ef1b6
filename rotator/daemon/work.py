"""One task, in a thread of its own."""

import uuid
from functools import partial

from rotator.daemon import telling
from rotator.daemon.metrics import Metrics
from rotator.daemon.planner import Task
from rotator.errors import RotationInProgress
from rotator.model.caller import Caller
from rotator.rotation.engine import Engine
from rotator.rotation.report import Observer, Progress, Report
from rotator.sdk import clock


def work(
    task: Task, *, engine: Engine, caller: Caller, metrics: Metrics
) -> tuple[Report | None, Exception | None, str | None]:
    """Does what is due with a secret, and tells of it.

    Returns:
        Its report where it began, or the error where it broke off; and the rotation's id where one was begun.
    """
    log = telling.log_of(task)
    seen: list[Progress] = []
    report: Report | None = None
    failure: Exception | None = None
    started = clock()
    try:
        report = engine.run_due(
            task.arn,
            caller=caller,
            request_id=str(uuid.uuid4()),
            observer=_observer(task, partial(telling.progress, log), seen, metrics),
        )
    except Exception as error:  # noqa: BLE001  # a fault in one task must not end the others
        failure = error
    except (
        SystemExit
    ) as left:  # a key provider's; it would end the thread, and the task would never be over
        failure = RuntimeError(type(left).__name__)
    # Whoever is told that another process has it, after it began, has lost it.
    lost = bool(seen) and isinstance(failure, RotationInProgress)
    metrics.finished(task, report, failure, lost=lost)
    if report is not None:
        telling.ended(log, task, report, seconds=clock() - started)
    return report, failure, seen[0].rotation_id if seen else None


def _observer(task: Task, tell: Observer, seen: list[Progress], metrics: Metrics) -> Observer:
    def observe(happened: Progress) -> None:
        seen[:] = [happened]
        metrics.progressed(task, happened)
        tell(happened)

    return observe
