"""The test's end of `tests.support.kill_driver`: starts runs in processes and looks what became of them."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from rotator.rotation.policy import EnginePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run so far.

    Attributes:
        effects: their names since the last look, the one where it was killed or stopped as the last.
        report: status and token, None where there was nothing to do or it did not come so far.
        error: the class of the exception that ended it.
    """

    stopped: bool
    killed: bool
    effects: tuple[str, ...]
    report: dict[str, Any] | None
    error: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """What somebody changes on a MySQL server at the first effect of a name.

    Attributes:
        server: the arguments of `pymysql.connect`.
    """

    at: str
    server: dict[str, Any]
    statement: str


@dataclass(frozen=True, slots=True)
class Process:
    """A run under way."""

    driver: "Driver"
    pid: int

    def wait(self) -> Outcome:
        """Waits until it has ended or stopped itself."""
        answer = self.driver.ask(do="wait", pid=self.pid)
        told = {key: value for line in answer["told"] for key, value in line.items()}
        return Outcome(
            stopped=answer["stopped"],
            killed=answer["signal"] == SIGKILL,
            effects=tuple(line["effect"] for line in answer["told"] if "effect" in line),
            report=told.get("report"),
            error=told.get("error"),
            message=told.get("message"),
        )

    def signal(self, name: str) -> None:
        self.driver.ask(do=name, pid=self.pid)

    def go_on(self) -> Outcome:
        """Wakes it after it stopped itself, and waits for what becomes of it."""
        self.signal("SIGCONT")
        return self.wait()


class Driver:
    """A process that forks runs. One test at a time uses it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **command: Any) -> dict[str, Any]:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(json.dumps(command) + "\n")
        asked.flush()
        line = answered.readline()
        assert line, "the driver has died; its traceback is on the standard error stream"
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Starts runs on one store.

    Attributes:
        functions: `endpoint`, `files`, `elsewhere` and `timeout` of rotation functions, for runs that invoke some.
    """

    driver: Driver
    store_url: str
    keyring: Path
    policy: EnginePolicy
    functions: Mapping[str, Any] | None = None

    def start(
        self,
        secret: str,
        *,
        do: str = "rotate",
        kill_at: int | None = None,
        stop_at: int | None = None,
        drain: float = 0.0,
        meddling: Meddling | None = None,
    ) -> Process:
        """A process that rotates (`do` may be resume or abort) and strikes itself at the n-th effect; or one that
        reads and logs in, and counts refusals within `drain` seconds of its fetch.
        """
        job = {
            "do": do,
            "store": self.store_url,
            "keyring": str(self.keyring),
            "secret": secret,
            "policy": asdict(self.policy),
            "kill_at": kill_at,
            "stop_at": stop_at,
            "drain": drain,
            "functions": self.functions,
            "meddling": None if meddling is None else asdict(meddling),
        }
        return Process(self.driver, self.driver.ask(do="start", job=job)["pid"])

    def run(
        self,
        secret: str,
        *,
        do: str = "rotate",
        kill_at: int | None = None,
        meddling: Meddling | None = None,
    ) -> Outcome:
        """A run until its end."""
        return self.start(secret, do=do, kill_at=kill_at, meddling=meddling).wait()


@contextlib.contextmanager
def running_driver() -> Iterator[Driver]:
    """The process that forks runs, ended with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.kill_driver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Driver(process)
        assert process.stdin is not None
        process.stdin.close()
