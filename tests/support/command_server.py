"""Runs `rotate` in forks of itself: `python -m tests.support.command_server FD`.

Each run is a process with an environment, a working directory and streams of its own; what it has in common with the
others is that everything was imported once. A request is one packet of JSON on the socket FD, with four descriptors:
the standard streams, and a pipe that its process id and its exit code are written to.
"""

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import tempfile
import time
from types import ModuleType
from typing import Any

from rotator.cli import main as cli
from tests.support import killed_command

LONGEST = 150_000
"""Bytes of a request: what a packet holds."""

_WHOLE = (
    "rotator.cli",
    "rotator.crypto",
    "rotator.manager",
    "rotator.rotation",
    "rotator.store",
    "rotators",
)
"""Packages of which every module is imported."""

_LATE = (
    "alembic.command",
    "alembic.ddl.postgresql",
    "alembic.ddl.sqlite",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "ldap3",
    "psycopg",
    "pymysql",
    "redis",
    "rich.progress",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "typer._adapters",
    "typer._click.decorators",
)
"""What these import no sooner than they need it."""

_RUN = {"rotate": cli.main, "killed": killed_command.main}


def main() -> None:
    """Serves until nobody holds the other end of the socket."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for package in _WHOLE:
        _import_all(importlib.import_module(package))
    for name in _LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with selectors.DefaultSelector() as events:
        events.register(requests, selectors.EVENT_READ)
        run = _serve(requests, events)
        if run is None:
            return
        events.close()
    requests.close()
    _become(run)
    _RUN[run["program"]]()


def _import_all(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def _serve(requests: socket.socket, events: selectors.BaseSelector) -> dict[str, Any] | None:
    """What this process is to run, where it is a fork; None at the end."""
    while True:
        for key, _ in events.select():
            if key.fileobj is not requests:
                events.unregister(key.fileobj)
                _report(int(str(key.fileobj)), *key.data)
                continue
            packet, descriptors, _, _ = socket.recv_fds(requests, LONGEST, 4)
            if not packet:
                return None
            pid = os.fork()
            if pid == 0:
                for each in list(events.get_map().values()):
                    if each.data is not None:
                        os.close(int(str(each.fileobj)))
                        os.close(each.data[1])
                run: dict[str, Any] = json.loads(packet)
                return run | {"descriptors": descriptors}
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            os.write(descriptors[3], f"{pid}\n".encode())
            events.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, descriptors[3]))


def _report(pidfd: int, pid: int, answers: int) -> None:
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(answers)


def _become(run: dict[str, Any]) -> None:
    """Makes this fork what a new process would be."""
    for number, descriptor in enumerate(run["descriptors"][:3]):
        os.dup2(descriptor, number)
    for descriptor in run["descriptors"]:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(run["environment"])
    time.tzset()
    tempfile.tempdir = None
    os.chdir(run["folder"])
    os.umask(run["umask"])
    sys.argv = ["rotate", *run["arguments"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
