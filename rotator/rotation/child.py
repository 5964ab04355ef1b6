"""A rotator in a process of its own: killed at the deadline, with one rotation's values and neither keys nor store.

That keeps out mistakes, not malice: a plugin is code that you trust.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from rotator.rotation.registry import GROUP, RotatorEntry
from rotator.sdk import (
    Authority,
    Candidate,
    OutcomeUnknown,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    clock,
)
from rotator.sdk.errors import step_error_from_wire

_CLAIMS_LIMIT = (
    10.0  # seconds for `claims`, which has no rotation's deadline; it makes no connection
)
_CHUNK = 65536


class PluginBug(Exception):
    """The plugin raised something that is no `StepError`."""


class ChildRotator(Rotator):
    """Passes every verb to a child process, which lives until `close`."""

    def __init__(self, entry: RotatorEntry, *, now: Callable[[], float] = clock) -> None:
        self.name = entry.name  # type: ignore[misc]  # a class variable in the interface, one of the instance here
        self._now = now
        self._process: subprocess.Popen[bytes] | None = None

    def claims(self, value: SecretValue) -> Authority:  # noqa: D102  # the interface describes the verbs
        claimed = self._ask(
            {"verb": "claims", "value": value.to_wire()}, deadline=self._now() + _CLAIMS_LIMIT
        )
        return Authority(
            host=claimed["host"],
            port=claimed["port"],
            admin=claimed["admin"],
            users=tuple(claimed["users"]),
        )

    def preflight(self, rotation: Rotation) -> Preflight:  # noqa: D102
        return Preflight.from_wire(self._verb("preflight", rotation))

    def create_secret(self, rotation: Rotation) -> SecretValue:  # noqa: D102
        return SecretValue.from_wire(self._verb("create_secret", rotation))

    def set_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("set_secret", rotation)

    def test_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("test_secret", rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:  # noqa: D102
        return Proof(self._verb("probe", rotation, candidate=str(candidate)))

    def revert(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("revert", rotation)

    def end_older_sessions(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("end_older_sessions", rotation)

    def close(self) -> None:
        """Ends the process: its standard input is closed, and what does not end by itself is killed."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            _kill(process)
        if process.stdout is not None:
            process.stdout.close()

    def _verb(self, verb: str, rotation: Rotation, **more: str) -> Any:
        request = {"verb": verb, "rotation": rotation.to_wire(), **more}
        return self._ask(request, deadline=rotation.deadline)

    def _ask(self, request: dict[str, Any], *, deadline: float) -> Any:
        process = self._started()
        line = json.dumps(request | {"group": GROUP, "name": self.name}).encode() + b"\n"
        try:
            _write(process, line)
            answer = self._read_line(process, deadline)
        except (OSError, EOFError):
            code = self._kill_and_forget()
            raise OutcomeUnknown(
                f"the process of rotator {self.name} died (exit code {code})"
            ) from None
        parsed = json.loads(answer)
        if "error" in parsed:
            raise step_error_from_wire(parsed)
        if "bug" in parsed:
            raise PluginBug(parsed["bug"])
        return parsed["result"]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rotator.rotation.child_main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # whatever a plugin prints may hold a value
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        return self._process

    def _read_line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        answers = _pipe(process.stdout)
        received = b""
        while not received.endswith(b"\n"):
            ready, _, _ = select.select([answers], [], [], max(0.0, deadline - self._now()))
            if not ready:
                self._kill_and_forget()
                raise OutcomeUnknown(
                    f"rotator {self.name} did not answer in time, and its process was killed",
                    hint="see whether the target is slow, or raise rotation.step_limit",
                )
            chunk = os.read(answers.fileno(), _CHUNK)
            if not chunk:
                raise EOFError
            received += chunk
        return received

    def _kill_and_forget(self) -> int | None:
        process, self._process = self._process, None
        return None if process is None else _kill(process)


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    requests = _pipe(process.stdin)
    requests.write(line)
    requests.flush()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Both were asked for when the process was started."""
    if pipe is None:
        raise EOFError
    return pipe


def _kill(process: subprocess.Popen[bytes]) -> int:
    """Kills the process with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    return code


def _environment() -> dict[str, str]:
    """The engine's environment without rotator's own settings, which may hold secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROTATOR_")}
