"""`rotate daemon` in processes of its own, on the store of a house."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.command import RotateCommand
from tests.support.manager import ACCOUNT, REGION
from tests.support.store import AUDIT_KEY_TEXT
from tests.support.waiting import eventually

_PATIENCE = 60.0
ANY_PORT = {"ROTATOR_DAEMON_LISTEN": "127.0.0.1:0"}
"""For a daemon that is to be asked how it is."""


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    """One daemon.

    Attributes:
        errors: the file that its log goes to.
    """

    process: subprocess.Popen[str]
    errors: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far; a line that it is just writing is left out."""
        lines = self.errors.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """Its events of this name that have these fields."""
        return [
            entry
            for entry in self.log()
            if entry["event"] == name and all(entry.get(key) == fields[key] for key in fields)
        ]

    def says(self, name: str, **fields: Any) -> bool:
        """Whether it logs the event before long."""
        return eventually(lambda: bool(self.events(name, **fields)), timeout=_PATIENCE)

    def get(self, path: str) -> tuple[int, str]:
        """What it answers at its own address, which was to be any free port: status and text."""
        assert self.says("health.listening")
        [listening] = self.events("health.listening")
        with closing(HTTPConnection(listening["host"], listening["port"], timeout=20)) as asked:
            asked.request("GET", path)
            response = asked.getresponse()
            return response.status, response.read().decode()

    def answers(self, path: str, status: int, text: str) -> bool:
        """Whether it answers that before long."""
        return eventually(lambda: self.get(path) == (status, text), timeout=_PATIENCE)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(_PATIENCE)

    def stop(self) -> list[dict[str, Any]]:
        """Ends it as a service manager does; what it has logged."""
        self.send(signal.SIGTERM)
        assert self.process.wait(_PATIENCE) == 0, self.errors.read_text()
        return self.log()


@dataclass(frozen=True, slots=True)
class Daemons:
    """Starts daemons on one store."""

    command: RotateCommand
    started: list[DaemonProcess] = field(default_factory=list)

    def start(self, **environment: str) -> DaemonProcess:
        """A daemon that has begun to work."""
        daemon = self.launch(**environment)
        assert daemon.says("daemon.ready"), daemon.errors.read_text()
        return daemon

    def launch(self, *arguments: str, **environment: str) -> DaemonProcess:
        """A daemon that may not have begun yet, or what else goes on until it is stopped.

        Args:
            arguments: of `rotate`, in place of `daemon`.
        """
        errors = self.command.home / f"daemon-{len(self.started)}.log"
        with errors.open("w") as file:
            process = self.command.start_logging(file, *(arguments or ("daemon",)), **environment)
        self.started.append(DaemonProcess(process, errors))
        return self.started[-1]


@contextmanager
def daemons_on(
    home: Path, *, store_url: str, keyring: Path, **environment: str
) -> Iterator[Daemons]:
    """Daemons that work on a store until the block ends.

    Args:
        environment: further settings, as variables.
    """
    home.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "ROTATOR_STORE_URL": store_url,
        "ROTATOR_KEYRING_PATH": str(keyring),
        "ROTATOR_AUDIT_KEY": AUDIT_KEY_TEXT,
        "ROTATOR_ACCOUNT": ACCOUNT,
        "ROTATOR_REGION": REGION,
        "ROTATOR_DAEMON_POLL": "0.2",
        "ROTATOR_DAEMON_LISTEN": "none",
        "ROTATOR_DAEMON_DRIFT_EVERY": "0",
    }
    daemons = Daemons(RotateCommand(home=home, environment=settings | environment))
    try:
        yield daemons
    finally:
        for daemon in daemons.started:
            daemon.kill()
            for pipe in (daemon.process.stdout, daemon.process.stderr):
                if pipe is not None:
                    pipe.close()
