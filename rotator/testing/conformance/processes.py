"""The processes that this one starts, with their arguments and environments."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_EVENTS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.spawn"})
_watching: list[list[str]] = []
_hooked: list[bool] = []


@contextmanager
def started_processes() -> Iterator[list[str]]:
    """What is started inside, each as one text; an extension that forks by itself is not seen."""
    if not _hooked:  # an audit hook stays until the process ends
        sys.addaudithook(_note)
        _hooked.append(True)
    seen: list[str] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _EVENTS:
        for seen in _watching:
            seen.append(repr(arguments))
