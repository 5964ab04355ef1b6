"""Runs a program under its supervisor: what goes in, what comes out, and how much of it."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from rotator.sdk import Misconfigured, OutcomeUnknown, clock, supervisor
from rotator.sdk.processes import wait_for_end
from rotators.external.protocol import KEPT_ERRORS, LARGEST_ANSWER, ExternalBug

_CHUNK = 65536
_FAREWELL = 5.0  # seconds that the supervisor may take to end what the program started


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a program left. Neither stream is shown: both may hold a value.

    Attributes:
        code: its exit code, negative for a signal.
    """

    code: int
    out: bytes = field(repr=False)
    errors: bytes = field(repr=False)


def run(
    arguments: Sequence[str], content: bytes, *, environment: Mapping[str, str], deadline: float
) -> Ended:
    """Runs a program to its end, with `content` as its standard input.

    What it started (elsewhere than on Linux: in its process group) is killed when it has ended, at the deadline, and
    when this process is gone.

    Args:
        environment: all of it.
        deadline: a reading of `clock()`.

    Raises:
        Misconfigured: it could not be started, so nothing happened.
        OutcomeUnknown: it had not ended at the deadline.
        ExternalBug: it wrote more than it may.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        own = [
            sys.executable,
            "-I",
            "-S",
            supervisor.__file__,
            str(theirs.fileno()),
            repr(deadline),
        ]
        process = subprocess.Popen(
            [*own, *arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            cwd="/",
            env=dict(environment),
            start_new_session=True,
        )
        theirs.close()
        try:
            return _Conversation(process, ours, content, deadline).ended(arguments[0])
        finally:
            ours.close()
            _end(process)


class _Conversation:
    """Writes, reads and waits, never longer than until the deadline."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        watch: socket.socket,
        content: bytes,
        deadline: float,
    ) -> None:
        self._in, self._out, self._errors = map(
            _descriptor, (process.stdin, process.stdout, process.stderr)
        )
        self._stdin = process.stdin
        self._watch = watch
        self._content = memoryview(content)
        self._deadline = deadline
        self._written, self._complaints = bytearray(), bytearray()
        self._poll = select.poll()
        for descriptor in (self._in, self._out, self._errors):
            os.set_blocking(descriptor, False)
        self._poll.register(self._in, select.POLLOUT)
        for descriptor in (self._out, self._errors, watch.fileno()):
            self._poll.register(descriptor, select.POLLIN)

    def ended(self, program: str) -> Ended:
        while True:
            remaining = self._deadline - clock()
            events = dict(self._poll.poll(max(0.0, remaining) * 1000))
            if not events and remaining <= 0:
                raise self._too_late(program)
            if self._in in events:
                self._write()
            for descriptor, kept in self._streams():
                if descriptor in events:
                    self._read(descriptor, kept)
            if self._watch.fileno() in events:
                return self._result(program)

    def _result(self, program: str) -> Ended:
        line = self._watch.recv(_CHUNK).decode()
        if not line:  # at the deadline it kills itself, which may be seen first
            raise self._too_late(program)
        told = line.strip()
        if told.startswith("not started"):
            raise Misconfigured(
                f"{program} was {told}",
                hint="see commands in the configuration, and the program's mode",
            )
        for descriptor, kept in self._streams():  # what it wrote last
            while self._read(descriptor, kept):
                pass
        return Ended(code=int(told), out=bytes(self._written), errors=bytes(self._complaints))

    def _streams(self) -> tuple[tuple[int, bytearray], ...]:
        return (self._out, self._written), (self._errors, self._complaints)

    def _write(self) -> None:
        try:
            self._content = self._content[os.write(self._in, self._content) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # a program need not read what it doesn't need
            self._content = self._content[:0]
        if not self._content and self._stdin is not None:
            self._poll.unregister(self._in)
            self._stdin.close()

    def _read(self, descriptor: int, kept: bytearray) -> bool:
        """Reads what is there; False where there is nothing more for now."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            with suppress(KeyError):
                self._poll.unregister(descriptor)
            return False
        kept += chunk
        if kept is self._complaints:
            del kept[:-KEPT_ERRORS]
        elif len(kept) > LARGEST_ANSWER:
            raise ExternalBug(f"the program answered more than {LARGEST_ANSWER} bytes")
        return True

    def _too_late(self, program: str) -> OutcomeUnknown:
        if clock() < self._deadline:
            return OutcomeUnknown(f"the supervisor of {program} was killed")
        return OutcomeUnknown(
            f"{program} did not end in time, and was killed",
            hint="see whether the target is slow, or raise the command's timeout or rotation.step_limit",
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Lets the supervisor, whose socket is closed, end what is left; kills the process group where it doesn't.

    The group is nobody else's before the supervisor was waited for.
    """
    wait_for_end(
        process.pid, seconds=_FAREWELL
    )  # elsewhere than on Linux the supervisor could do no more
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _descriptor(pipe: IO[bytes] | None) -> int:
    """All three were asked for when the process was started."""
    if pipe is None:
        raise ValueError("no pipe")
    return pipe.fileno()
