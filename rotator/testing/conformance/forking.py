"""The process that forks those which are killed: see `killing.py`.

A point is the moment after something has lasted: a commit of the store, a verb that changes the target; and the moment
before each change that the rotator sends (`rotation.check_deadline`).
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rotator.sdk import Rotation, Rotator
from rotator.store.store import Store
from rotator.testing.conformance.around import CHANGING, Verb, around
from rotator.testing.conformance.bench import Bench
from rotator.testing.conformance.killing import DONE, KILLED


class _Points:
    def __init__(self, kill_at: int) -> None:
        self._left = kill_at

    def reached(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, rotator: Rotator) -> Rotator:
        def counted(verb: str, call: Verb) -> Verb:
            def then_reached(*arguments: Any) -> Any:
                answer = call(*arguments)
                self.reached()
                return answer

            return then_reached if verb in CHANGING or verb == "create_secret" else call

        return around(rotator, counted)


def _serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _rotate(request)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            answer = KILLED
        else:
            answer = DONE if status == 0 else f"exit status {status}"
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _rotate(request: dict[str, Any]) -> None:
    points = _Points(request["kill_at"])
    try:
        _count_changes(points.reached)
        bench = Bench(Path(request["folder"]), reference=request["reference"])
        _count_commits(points.reached)
        bench.rotate(request["name"], points.around)
        bench.retire(request["name"], points.around)
    except BaseException:  # noqa: BLE001  # the process ends here, whatever it was
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _count_changes(reached: Callable[[], None]) -> None:
    original = Rotation.check_deadline

    def check_deadline(rotation: Rotation) -> None:
        original(rotation)
        reached()

    Rotation.check_deadline = check_deadline  # type: ignore[method-assign,assignment]  # in this process only


def _count_commits(reached: Callable[[], None]) -> None:
    original = Store.write

    @contextmanager
    def write(store: Store, **options: Any) -> Iterator[Any]:
        with original(store, **options) as tx:
            yield tx
        reached()

    Store.write = write  # type: ignore[method-assign,assignment]  # in this process only


if __name__ == "__main__":
    _serve()
