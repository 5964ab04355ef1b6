"""What systemd is told: that the daemon is ready, reloads, stops, and still turns.

The protocol is sd_notify(3): datagrams of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names. Without one
there is nobody to tell.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Who started this process and wants to be told of it.

    Args:
        address: of its socket; None where nobody wants to be told.
        watchdog: seconds within which it wants to be told again and again that the process turns; None: never.
    """

    def __init__(self, address: str | None = None, *, watchdog: float | None = None) -> None:
        self._address = address
        self.watchdog = watchdog

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> "ServiceManager":
        """As the environment names it; the variables are taken away, so that no child tells anything."""
        given = {name: environ.pop(name, "") for name in _VARIABLES}
        address = given["NOTIFY_SOCKET"]
        if address[:1] not in {"/", "@"}:
            return cls()
        limit, pid = given["WATCHDOG_USEC"], given["WATCHDOG_PID"]
        watched = limit.isdecimal() and int(limit) > 0 and pid in {"", str(os.getpid())}
        return cls(address, watchdog=int(limit) / 1e6 if watched else None)

    def ready(self, status: str) -> None:
        """The daemon has begun, or has done with a reload; `status` is shown to people."""
        self._tell("READY=1", f"STATUS={status}")

    def show(self, status: str) -> None:
        """What `systemctl status` shows."""
        self._tell(f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read anew; `ready` ends that."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The daemon ends what runs, and itself."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def feed(self) -> None:
        """The daemon turns."""
        if self.watchdog is not None:
            self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        address = self._address
        if address.startswith("@"):  # an abstract socket
            address = "\0" + address[1:]
        # Who can't be told must not hold up rotations.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto("\n".join(lines).encode(), address)
