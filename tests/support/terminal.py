"""The `rotate` command on a terminal of its own."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios

from tests.support.command import RotateCommand, as_from_a_terminal


def _take_terminal() -> None:
    """Makes the standard input the session's terminal, so that Ctrl-C reaches it."""
    as_from_a_terminal()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def on_terminal(
    rotate: RotateCommand, *arguments: str, answers: tuple[tuple[str, str], ...]
) -> tuple[int, str]:
    """Runs it, and types each answer when its prompt is to be seen; gives the exit code and all that was seen."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        rotate._line(arguments),
        env=rotate.variables(),
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509  # two system calls
    )
    os.close(end)
    seen, looked_at, waiting = b"", 0, list(answers)
    with contextlib.suppress(OSError):  # how Linux tells that nobody is at the other end any more
        while piece := os.read(terminal, 4096):
            seen += piece
            while waiting and (place := seen.find(waiting[0][0].encode(), looked_at)) >= 0:
                looked_at = place + len(waiting[0][0])
                os.write(terminal, waiting.pop(0)[1].encode())
    os.close(terminal)
    return process.wait(), seen.decode()
