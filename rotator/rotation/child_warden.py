"""The process above a rotator's own, on Linux: whatever that started ends with it, what left its process group too."""

import os
import select
import signal
from contextlib import suppress
from typing import NoReturn

from rotator.sdk.supervisor import adopt_orphans, child_ends, end_children


def goes_on_below() -> bool:
    """Goes on in a child of this process, which itself never returns: it ends all that is below it when the child has
    ended, or when it gets SIGTERM, and then ends as the child did. False, with nothing done, where the system can't.
    """
    if not adopt_orphans():
        return False
    ended = child_ends()
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    child = os.fork()
    if child:
        _watch(child, ended, asked)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    return True


def _watch(child: int, ended: int, asked: list[int]) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDWR)
    for pipe in (0, 1):  # the engine sees them end with the child
        os.dup2(nothing, pipe)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    while True:
        poll.poll()
        os.read(ended, 64)
        if asked:
            os.kill(child, signal.SIGKILL)
        found, status = os.waitpid(child, 0 if asked else os.WNOHANG)
        if found:
            end_children(ended)
            _end_as(os.waitstatus_to_exitcode(status))


def _end_as(code: int) -> NoReturn:
    if code < 0:
        with suppress(OSError):  # nobody catches SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
