"""The real `rotate` command in processes of its own, with a home folder of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.support.forked_command import Command, run

ROTATE = Path(sys.executable).with_name("rotate")
_TIME_LIMIT = 120.0


def as_from_a_terminal() -> None:
    """A job that a shell started in the background has Ctrl-C ignored, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error that was written as JSON."""
        return json.loads(self.err)["error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateCommand:
    """Runs `rotate` as a user would.

    Attributes:
        home: ROTATOR_HOME.
        environment: further variables.
        interpreter: of the environment that it is installed in, None for this one.
        anew: each run is a new process from its first line on, where arguments, variables or the start itself are
            looked at. Else it is a fork of one that has imported everything, which takes a tenth of the time.
        shown: all that any of its runs has written.
    """

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    interpreter: Path | None = None
    anew: bool = False
    shown: list[str] = field(default_factory=list)

    def __call__(
        self, *arguments: str, value: str | Mapping[str, Any] | None = None, **environment: str
    ) -> Ran:
        """Run it to its end; `value` is its standard input, a mapping as JSON."""
        given = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        command = Command(
            program="rotate",
            arguments=arguments,
            environment=self.variables(**environment),
            given=given.encode(),
        )
        if self.interpreter is None and not self.anew and command.can_be_forked:
            ended = run(command, limit=_TIME_LIMIT)
            ran = Ran(code=ended.code, out=ended.out, err=ended.err)
        else:
            ran = self._run_anew(command)
        self.shown.extend((ran.out, ran.err))
        return ran

    def _run_anew(self, command: Command) -> Ran:
        done = subprocess.run(
            self._line(command.arguments),
            input=command.given.decode(),
            env=command.environment,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def ok(self, *arguments: str, value: str | Mapping[str, Any] | None = None) -> Ran:
        """Run it, and insist that it succeeds."""
        ran = self(*arguments, value=value)
        assert ran.code == 0, f"{arguments}: exit code {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def json(self, *arguments: str, value: str | Mapping[str, Any] | None = None) -> Any:
        """What it answers with --output json."""
        return self.ok(*arguments, "--output", "json", value=value).json

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start it; the caller waits for it."""
        return self._start(arguments, self.variables(**environment), errors=subprocess.PIPE)

    def start_logging(
        self, errors: IO[str], /, *arguments: str, **environment: str
    ) -> subprocess.Popen[str]:
        """Start it with its standard error stream in a file; the caller waits for it."""
        return self._start(arguments, self.variables(**environment), errors=errors)

    def _start(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, errors: IO[str] | int
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._line(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
            preexec_fn=as_from_a_terminal,  # noqa: PLW1509  # it only sets a signal's default
        )

    def reveal(self, secret: str, *more: str) -> Any:
        """A stored value, without a trace of it in `shown`."""
        ran = self(*("secret", "get", secret, "--reveal"), *more)
        assert ran.code == 0, ran.err
        self.shown[-2:] = []
        return json.loads(ran.out)

    def variables(self, **more: str) -> dict[str, str]:
        """The whole environment of a run."""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return base | {"ROTATOR_HOME": str(self.home)} | self.environment | more

    def _line(self, arguments: Sequence[str]) -> list[str]:
        if self.interpreter is None:
            return [str(ROTATE), *arguments]
        program = "import sys; from rotator.cli.main import main; sys.exit(main())"
        return [str(self.interpreter), "-c", program, *arguments]
