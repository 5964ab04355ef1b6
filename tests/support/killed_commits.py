"""Runs a piece of work in a process of its own that is killed before or after one of its commits."""

import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine.default import DefaultDialect

from tests.support.processes import processes

Work = Callable[..., object]


def killed(work: Work, *args: Any, strike: int) -> bool:
    """Whether the process was killed at that point, odd before and even after a commit; False where it had ended."""
    process = processes.Process(target=_run_until, args=(work, args, strike))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def _run_until(work: Work, args: tuple[Any, ...], strike: int) -> None:
    numbers = count(1)
    commit = DefaultDialect.do_commit

    def die_in_turn() -> None:
        if next(numbers) == strike:
            os.kill(os.getpid(), signal.SIGKILL)

    def do_commit(dialect: DefaultDialect, connection: Any) -> None:
        die_in_turn()
        commit(dialect, connection)  # type: ignore[no-untyped-call]
        die_in_turn()

    with patch.object(DefaultDialect, "do_commit", do_commit):
        work(*args)
