"""uvicorn, in a thread of its own: one address, one application."""

import errno
import socket
import threading
from typing import Final

import uvicorn

from rotator import telemetry
from rotator.api.app import Application
from rotator.errors import ConfigurationError

_BACKLOG: Final = 1024
_DRAIN: Final = 30  # seconds that requests under way are waited for

_log = telemetry.logger("api")


class AddressTaken(ConfigurationError):
    """Another process listens there."""


def listening(host: str, port: int, *, setting: str) -> socket.socket:
    """A socket that listens; port 0 for any.

    Raises:
        AddressTaken: another process has the address.
        ConfigurationError: the address can't be had at all.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except (OSError, OverflowError) as error:
        opened.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise AddressTaken(
                f"{setting}: another process listens on {host} port {port}."
            ) from None
        raise ConfigurationError(
            f"{setting}: nobody can listen on {host} port {port} here: {error}. Name an address "
            "of this machine and a free port."
        ) from None
    return opened


class ApiServer:
    """Serves an application until it is stopped."""

    def __init__(self, app: Application, listener: socket.socket) -> None:
        self._listener = listener
        self.host, self.port = listener.getsockname()[:2]
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                loop="asyncio",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_DRAIN,
            )
        )
        self._thread = threading.Thread(target=self._run, name="rotator-api", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Begins to serve in a thread. Connections are taken from then on; they were queued before."""
        self._thread.start()

    def _run(self) -> None:
        # Outside of the main thread uvicorn leaves the process's signals alone.
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Takes no more connections, and waits for what is being answered."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
