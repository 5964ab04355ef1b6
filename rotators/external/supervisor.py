"""Runs one program and sees to its end: at the deadline, and when the engine is gone.

It is started as a file by `python -I -S`, so that it needs nothing but the standard library and starts quickly:

    supervisor.py DESCRIPTOR DEADLINE PROGRAM ARGUMENT…

The descriptor is a socket to the engine; what came of the program is written to it as one line: its exit code (negative
for a signal), or why it was not started. Standard streams are the program's. Program and supervisor are one process
group, so that both end together, with all that the program started in it.
"""

import os
import select
import signal
import sys
import time

_IGNORED_HERE = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python; a program would inherit that
_LOOK = 1.0  # seconds between two looks at the clock: a wait doesn't count the time of a suspended machine


def main() -> None:
    """Runs the program to its end."""
    engine, deadline, arguments = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(engine, False)
    ended = _child_ends()
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
        if remaining <= 0:
            os.killpg(0, signal.SIGKILL)
        events = dict(poll.poll(min(remaining, _LOOK) * 1000))
        if engine in events:
            os.killpg(0, signal.SIGKILL)
        if ended in events:
            os.read(ended, 64)
            found, status = os.waitpid(program, os.WNOHANG)
            if found:
                _tell(engine, str(os.waitstatus_to_exitcode(status)))
                return


def _child_ends() -> int:
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
