"""Waiting for a child process."""

import os
import select
import sys


def wait_for_end(pid: int, *, seconds: float) -> None:
    """Waits until a child has ended, or for so long; its exit code is left for `waitpid`. Elsewhere than on Linux it
    waits for nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    child = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(child, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(child)
