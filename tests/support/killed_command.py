"""The `rotate` command in a process that kills itself at a chosen effect.

It runs in `tests.support.command_server`, with the arguments EFFECT ARGUMENT…. Effects are what reaches the disk: rows
before and after they are sent to the store, commits before and after, and the moment when a new file gets its name.
They are counted from 1 on; at 0 nothing happens.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine.default import DefaultDialect

from rotator import files
from rotator.cli.main import run
from rotator.store.tables import audit
from rotator.store.tx import Tx


def _adds_rows(statement: Any) -> bool:
    """Whether it inserts anything but audit records, of which there are thousands in a row."""
    return getattr(statement, "is_insert", False) and statement.table is not audit


class _Countdown:
    def __init__(self, at: int) -> None:
        self._left = at

    def reach(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any], *, only_rows: bool = False) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if only_rows and not _adds_rows(args[1]):
                return call(*args, **kwargs)
            self.reach()
            result = call(*args, **kwargs)
            self.reach()
            return result

        return watched


def main() -> None:
    """Runs one command line."""
    countdown = _Countdown(int(sys.argv[1]))
    with (
        patch.object(DefaultDialect, "do_commit", countdown.around(DefaultDialect.do_commit)),
        patch.object(Tx, "execute", countdown.around(Tx.execute, only_rows=True)),
        patch.object(files, "_name", countdown.around(files._name)),
    ):
        code = run(sys.argv[2:])
    sys.exit(code)
