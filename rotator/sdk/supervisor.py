"""Runs one program and sees to its end: at the deadline, and when the engine is gone.

It is started as a file by `python -I -S`, so that it needs nothing but the standard library and starts quickly:

    supervisor.py DESCRIPTOR DEADLINE PROGRAM ARGUMENT…

The descriptor is a socket to the engine; what came of the program is written to it as one line: its exit code (negative
for a signal), or why it was not started. Standard streams are the program's. Program and supervisor are one process
group, so that both end together, with all that the program started in it. On Linux what has left the group ends too:
orphans are handed to the supervisor (PR_SET_CHILD_SUBREAPER), which goes when it has no child any more.
"""

import ctypes
import os
import select
import signal
import sys
import time

_IGNORED_HERE = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python; a program would inherit that
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_LOOK = 1.0  # seconds between two looks at the clock: a wait doesn't count the time of a suspended machine


def main() -> None:
    """Runs the program to its end."""
    engine, deadline, arguments = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(engine, False)
    adopts = adopt_orphans()
    ended = child_ends()
    try:
        program = os.posix_spawn(arguments[0], arguments, os.environ, setsigdef=_IGNORED_HERE)
    except OSError as error:
        _tell(engine, f"not started: {error.strerror}")
        return
    poll = select.poll()
    poll.register(engine, 0)  # only that the other end was closed
    poll.register(ended, select.POLLIN)
    while True:
        remaining = deadline - _clock()
        events = dict(poll.poll(max(0.0, min(remaining, _LOOK)) * 1000))
        if remaining <= 0 or engine in events:
            if adopts:
                end_children(ended)
            os.killpg(0, signal.SIGKILL)
        if ended in events:
            os.read(ended, 64)
            found, status = os.waitpid(program, os.WNOHANG)
            if found:
                if adopts:
                    end_children(ended)
                _tell(engine, str(os.waitstatus_to_exitcode(status)))
                os._exit(0)


def adopt_orphans() -> bool:
    """Whether whatever is started below this process becomes its child when its own parent has ended."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def end_children(ended: int) -> None:
    """Kills children until there are none: those of a killed one become children in turn, where orphans are adopted.

    A child that was not waited for keeps its number, so none of somebody else's is ever meant.

    Args:
        ended: what `child_ends` gave.
    """
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for child in _children():
            try:
                os.kill(child, signal.SIGKILL)
            except PermissionError:  # it runs as somebody else
                continue
        if poll.poll(_LOOK * 1000):
            os.read(ended, 64)


def _children() -> list[int]:
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208  # pathlib takes long to import
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    status = file.read()
            except OSError:  # it has ended meanwhile
                continue
            parent = status.rpartition(b")")[2].split()[
                1
            ]  # the name before it may have anything in it
            if int(parent) == os.getpid():
                found.append(int(name))
    return found


def child_ends() -> int:
    """A descriptor that can be read when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _clock() -> float:
    """The engine's clock: `rotator.sdk.clock`."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _tell(engine: int, line: str) -> None:
    os.write(engine, f"{line}\n".encode())


if __name__ == "__main__":
    main()
