"""The tests' end of `tests.support.command_server`: runs a command in a fork that has everything imported."""

import atexit
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from io import FileIO
from pathlib import Path
from typing import BinaryIO

_ROOT = Path(__file__).parents[2]
_MOST_GIVEN = 1 << 20
"""Bytes that a pipe may be made to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run.

    Attributes:
        program: by its name in the server.
        environment: all of it.
        given: the standard input.
    """

    program: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    given: bytes = field(default=b"", repr=False)

    @property
    def can_be_forked(self) -> bool:
        """Whether a fork is what a new process would be: some variables are looked at before the first import."""
        before_imports = ("PYTHON", "LANG", "LC_", "LD_")
        return len(self.given) <= _MOST_GIVEN and not any(
            name.startswith(before_imports) for name in self.environment
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What it left; a negative code is the signal that killed it, as subprocess has it."""

    code: int
    out: str
    err: str


def run(command: Command, *, limit: float) -> Ended:
    """Runs a command to its end.

    Args:
        limit: seconds.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    with ExitStack() as stack:
        out, err = (stack.enter_context(_in_memory(name)) for name in ("out", "err"))
        given = stack.enter_context(_holding(command.given))
        reading, writing = os.pipe()
        answers = stack.enter_context(os.fdopen(reading, "rb", buffering=0))
        try:
            _request(command, [given.fileno(), out.fileno(), err.fileno(), writing])
        finally:
            os.close(writing)
        code = _end(command, answers, limit=limit)
        return Ended(code=code, out=_content(out), err=_content(err))


def _request(command: Command, descriptors: list[int]) -> None:
    mask = os.umask(0)
    os.umask(mask)
    packet = {
        "program": command.program,
        "arguments": command.arguments,
        "environment": dict(command.environment),
        "folder": str(Path.cwd()),
        "umask": mask,
    }
    socket.send_fds(_server(), [json.dumps(packet).encode()], descriptors)


def _end(command: Command, answers: FileIO, *, limit: float) -> int:
    pid = int(answers.readline())
    if not select.select([answers], [], [], limit)[0]:
        os.kill(pid, signal.SIGKILL)
        answers.readline()
        raise subprocess.TimeoutExpired(list(command.arguments), limit)
    return int(answers.readline())


def _in_memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "w+b")


def _holding(content: bytes) -> BinaryIO:
    """The reading end of a pipe that holds it all."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as sink:
        if len(content) > select.PIPE_BUF:
            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _MOST_GIVEN)
        sink.write(content)
    return os.fdopen(reading, "rb")


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def _server() -> socket.socket:
    """The socket of this process's server, which lives as long as it."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Python looks once, at its start, at what its streams are: pipes, as for most commands that tests run.
    reading, writing = os.pipe()
    with its, os.fdopen(reading) as nothing, os.fdopen(writing, "w") as nowhere:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_server", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=nothing,
            stdout=nowhere,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            cwd=_ROOT,
        )

    def close() -> None:
        mine.close()
        process.wait()

    atexit.register(close)
    return mine
