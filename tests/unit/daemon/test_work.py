"""One task in its thread."""

from datetime import UTC, datetime
from typing import cast

from rotator.daemon.metrics import Metrics
from rotator.daemon.planner import Task
from rotator.daemon.work import work
from rotator.model.caller import rotation_service
from rotator.rotation.engine import Engine

_TASK = Task(
    arn="arn", name="db", rotator="r", target="db:5432", since=datetime(2026, 1, 1, tzinfo=UTC)
)


class _Leaves:
    """An engine in which a plugin would end the process."""

    def run_due(self, *_: object, **__: object) -> None:
        raise SystemExit(1)


def test_a_plugin_that_would_end_the_process_ends_its_task_alone() -> None:
    """The task is over, and counts as one that broke off: its secret can be tried again."""
    caller = rotation_service(account="1", region="r")
    report, failure, rotation = work(
        _TASK, engine=cast("Engine", _Leaves()), caller=caller, metrics=Metrics()
    )
    assert (report, rotation) == (None, None)
    assert isinstance(failure, RuntimeError)
