"""Who holds a lease, and whether that process is still there.

A lease ends by itself, but a person who runs `rotate now` after a crash should not have to wait for that: where the
owner was a process of this machine, in this boot and this PID namespace, its death can be seen.
"""

import os
import re
import socket
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

_FIELDS = 6
_PID = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Owner:
    """A run in a process, which holds one lease.

    Attributes:
        host: its host's name, for people.
        boot: which boot of which kernel.
        namespace: its PID namespace.
        pid: its process id.
        started: when it started, in the kernel's ticks since boot: a PID that was used again has another.
        run: tells the runs of one process apart; empty for the process itself.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    run: str = ""

    @classmethod
    def me(cls) -> "Owner":
        """This process."""
        return _owner(os.getpid())

    def __str__(self) -> str:
        return "/".join(
            (self.host, self.boot, self.namespace, str(self.pid), self.started, self.run)
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The owner that `str` wrote, or None for anything else."""
        parts = text.split("/")
        if len(parts) != _FIELDS or not _PID.fullmatch(parts[3]):
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]), parts[4], parts[5])

    @property
    def shown(self) -> str:
        """The owner in words."""
        return f"process {self.pid} on {self.host}"

    def is_run_of(self, process: "Owner") -> bool:
        """Whether this is a run in that process, as far as it can be told apart from all others."""
        known = bool(self.boot and self.namespace and self.started)
        return known and replace(self, run="") == replace(process, run="")

    def seen_dead_by(self, observer: "Owner") -> bool:
        """Whether `observer` can tell that this process is no more. False where it can't tell."""
        comparable = bool(self.boot and self.namespace and self.started) and (
            (self.boot, self.namespace) == (observer.boot, observer.namespace)
        )
        return comparable and _is_over(self.pid, self.started)


@cache
def _owner(pid: int) -> Owner:
    """This process, whose number is another after a fork."""
    return Owner(
        host=socket.gethostname().replace("/", "_"),
        boot=_read("/proc/sys/kernel/random/boot_id"),
        namespace=_link("/proc/self/ns/pid"),
        pid=pid,
        started=_started(pid) or "",
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _is_over(pid: int, started: str) -> bool:
    """Whether the process with this number and start time has ended. False where that can't be seen."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's, so it is there; /proc may hide it (hidepid)
    now = _started(pid)
    return now is not None and now != started


def _started(pid: int) -> str | None:
    """The start time of a process (field 22 of proc(5)'s stat); None where it can't be read, empty for a zombie."""
    after_name = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not after_name:
        return None
    return "" if after_name[0] in {"Z", "X"} else after_name[19]
