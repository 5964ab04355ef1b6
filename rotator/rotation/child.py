"""A rotator in a process of its own: killed at the deadline, with one rotation's values and neither keys nor store.

That keeps out mistakes, not malice: a plugin is code that you trust.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, Self

from rotator.rotation.answers import NoAnswer, Nonsense, PluginBug
from rotator.rotation.facts import RotatorFacts
from rotator.rotation.registry import GROUP, RotatorEntry
from rotator.rotation.telling import told
from rotator.sdk import (
    Authority,
    Candidate,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    RotatorSettings,
    SecretValue,
    StepError,
    Use,
    clock,
)
from rotator.sdk.errors import step_error_from_wire
from rotator.sdk.log import RotationLog
from rotator.sdk.processes import wait_for_end

# Seconds for verbs that have no rotation's deadline and make no connection.
_PURE_LIMIT = 10.0
_FAREWELL = 1.0  # seconds that a process may take to end by itself
_CHUNK = 65536
_LONGEST_ANSWER = 1_048_576  # bytes: many times the largest value of a secret
_MOST_LINES = 200  # of the log, in one verb
_LEVELS: Mapping[str, Callable[..., None]] = {
    "debug": RotationLog.debug,
    "info": RotationLog.info,
    "warning": RotationLog.warning,
    "error": RotationLog.error,
}


class _TooLate(Exception):
    """The deadline passed before the pipe was ready."""


@dataclass(frozen=True, kw_only=True)
class _AsStored(RotatorSettings):
    """Settings whose model only the rotator's process knows; it parses them there."""

    stored: Mapping[str, Any]

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        return cls(stored=given)

    def to_mapping(self) -> dict[str, Any]:
        return dict(self.stored)


class ChildRotator(Rotator):
    """Passes every verb to a child process, which lives until `close`."""

    def __init__(self, entry: RotatorEntry, *, now: Callable[[], float] = clock) -> None:
        self.name = entry.name  # type: ignore[misc]  # a class variable in the interface, one of the instance here
        self._now = now
        self._withheld = entry.withheld
        self._process: subprocess.Popen[bytes] | None = None
        self._received = bytearray()

    settings_model = _AsStored

    @cached_property
    def issues_value(self) -> bool:  # type: ignore[override]  # its class is in the process
        """Whether the target makes the new value."""
        return bool(self._ask({"verb": "issues_value"}))

    def facts(self) -> RotatorFacts:
        """What the rotator says of itself.

        Raises:
            StepError: that can't be told; the message says why.
        """
        answer = self._ask({"verb": "facts"})
        try:
            return RotatorFacts.from_wire(answer)
        except (KeyError, TypeError, ValueError):
            raise PluginBug(f"the rotator {self.name} says nonsense of itself") from None

    def check_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: D102  # the interface describes the verbs
        checked: dict[str, Any] = self._ask({"verb": "check_settings", "settings": dict(given)})
        return checked

    def claims(self, value: SecretValue) -> Authority:  # noqa: D102
        claimed = self._ask({"verb": "claims", "value": value.to_wire()})
        return Authority(**claimed | {"users": tuple(claimed["users"])})

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

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:  # noqa: D102
        return Proof(self._verb("log_in", rotation, candidate=str(candidate)))

    def finish_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("finish_secret", rotation)

    def revert_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("revert_secret", rotation)

    def retire_secret(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("retire_secret", rotation)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:  # noqa: D102
        return tuple(Use.from_wire(use) for use in self._verb("in_use", rotation))

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:  # noqa: D102
        self._verb("end_use", rotation, uses=[use.to_wire() for use in uses])

    def end_older_sessions(self, rotation: Rotation) -> None:  # noqa: D102
        self._verb("end_older_sessions", rotation)

    def close(self) -> None:
        """Ends the process: its requests end, and what of it is still there after a moment is killed."""
        if self._process is not None:
            _pipe(self._process.stdin).close()
            with suppress(_TooLate):
                self._wait(_pipe(self._process.stdout), select.POLLIN, self._now() + _FAREWELL)
            self._kill_and_forget()

    def _verb(self, verb: str, rotation: Rotation, **more: object) -> Any:
        return self._ask({"verb": verb, "rotation": rotation.to_wire(), **more}, rotation=rotation)

    def _ask(self, request: dict[str, Any], *, rotation: Rotation | None = None) -> Any:
        """The answer to a request; what the plugin logs meanwhile goes to the rotation's log.

        Raises:
            StepError: what the rotator raised; `NoAnswer` where there was none.
        """
        deadline = self._now() + _PURE_LIMIT if rotation is None else rotation.deadline
        framed = request | {"group": GROUP, "name": self.name, "deadline": deadline}
        answer = self._exchange(json.dumps(framed).encode() + b"\n", deadline, _Listener(rotation))
        if "bug" in answer:
            raise PluginBug(
                f"the rotator {self.name} {answer['bug']}", hint="report it to the rotator's author"
            )
        if "result" not in answer:
            raise step_error_from_wire(answer)
        return answer["result"]

    def _exchange(self, line: bytes, deadline: float, listener: "_Listener") -> dict[str, Any]:
        process = self._started()
        try:
            self._write(process, line, deadline)
            while True:
                answer = self._read_answer(process, deadline)
                if "log" not in answer:
                    return answer
                listener.hear(answer["log"])
        except Nonsense as nonsense:
            self._kill_and_forget()
            raise PluginBug(
                f"the rotator {self.name} {nonsense}", hint="report it to the rotator's author"
            ) from None
        except (OSError, EOFError, _TooLate):
            code = self._kill_and_forget()
            if self._now() < deadline:
                raise NoAnswer(
                    f"the process of rotator {self.name} died (exit code {code})"
                ) from None
            raise NoAnswer(  # at the deadline it also kills itself, which may be seen first
                f"rotator {self.name} did not answer in time, and its process was killed",
                hint="see whether the target is slow, or raise rotation.step_limit",
            ) from None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rotator.rotation.child_main"],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # whatever a plugin prints may hold a value
                cwd="/",
                env=_environment(self._withheld),
                start_new_session=True,
            )
            # A plugin that doesn't read would block the engine where a request is larger than the pipe.
            os.set_blocking(_pipe(self._process.stdin).fileno(), False)
        return self._process

    def _write(self, process: subprocess.Popen[bytes], line: bytes, deadline: float) -> None:
        requests = _pipe(process.stdin)
        while line:
            self._wait(requests, select.POLLOUT, deadline)
            line = line[os.write(requests.fileno(), line) :]

    def _read_answer(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        answers = _pipe(process.stdout)
        while b"\n" not in self._received:
            if len(self._received) > _LONGEST_ANSWER:
                raise Nonsense(f"answered with more than {_LONGEST_ANSWER} bytes")
            self._wait(answers, select.POLLIN, deadline)
            chunk = os.read(answers.fileno(), _CHUNK)
            if not chunk:
                raise EOFError
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Nonsense("wrote something else than answers into the pipe of its answers")
        return answer

    def _wait(self, pipe: IO[bytes], event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, deadline - self._now()) * 1000):
            raise _TooLate

    def _kill_and_forget(self) -> int | None:
        process, self._process = self._process, None
        self._received = bytearray()
        return None if process is None else _kill(process)


def examined(entry: RotatorEntry) -> RotatorFacts:
    """What a rotator says of itself, asked of a process that ends then, or is killed where it takes too long."""
    rotator = ChildRotator(entry)
    try:
        return rotator.facts()
    except StepError as failed:
        return RotatorFacts(error=told(failed.message, ()))
    finally:
        rotator.close()


class _Listener:
    """Passes on what a plugin logs during one verb, up to a number of lines.

    Args:
        rotation: whose log it is; None: nobody's.
    """

    def __init__(self, rotation: Rotation | None) -> None:
        self._rotation = rotation
        self._heard = 0

    def hear(self, line: Any) -> None:
        """One line.

        Raises:
            Nonsense: it is none.
        """
        self._heard += 1
        if self._rotation is None or self._heard > _MOST_LINES:
            return
        if self._heard == _MOST_LINES:
            self._rotation.log.warning("the rotator's further lines are left out")
            return
        try:
            level, message, fields = line["level"], line["message"], line["fields"]
            write = _LEVELS[level]
            told = {str(name): value for name, value in fields.items()}
        except (KeyError, TypeError, AttributeError):
            raise Nonsense("logged something else than a line") from None
        write(self._rotation.log, message, **told)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Both were asked for when the process was started."""
    if pipe is None:
        raise EOFError
    return pipe


def _kill(process: subprocess.Popen[bytes]) -> int:
    """Ends the process with all that it started.

    It was not waited for before, so that its number still names it and its process group, and nobody else's.
    """
    if sys.platform.startswith(
        "linux"
    ):  # what left the group is seen to by the process above the rotator's
        os.kill(process.pid, signal.SIGTERM)
        wait_for_end(process.pid, seconds=_FAREWELL)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    return code


def _environment(withheld: frozenset[str]) -> dict[str, str]:
    """The engine's environment without rotator's own settings and what they refer to, which may be secret."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ROTATOR_") and name not in withheld
    }
