"""uvicorn, in a thread of its own: one address, one application."""

import asyncio
import errno
import ipaddress
import logging
import socket
import threading
from typing import Final

import uvicorn

from rotator import telemetry
from rotator.api.app import Application
from rotator.api.connections import BoundedProtocol, ConnectionLimits, Listener
from rotator.api.direct import Direct
from rotator.api.tls import Certificate
from rotator.errors import ConfigurationError

_BACKLOG: Final = 1024
_DRAIN: Final = 30  # seconds that requests under way are waited for
_FOLLOW_EVERY: Final = 1  # seconds between two looks at the files of the certificate

_log = telemetry.logger("api")


class AddressTaken(ConfigurationError):
    """Another process listens there."""


def listening(host: str, port: int, *, setting: str) -> Listener:
    """A socket that listens; port 0 for any.

    Args:
        setting: what named the address, for messages.

    Raises:
        AddressTaken: another process has the address.
        ConfigurationError: the address can't be had at all.
    """
    opened = Listener(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is accepted inherits it. Without it the body of an answer waits for the acknowledgement of its headers.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind((host, port))
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except (OSError, OverflowError) as error:
        opened.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise AddressTaken(
                f"{setting}: another process listens on {host} port {port}. Name a free port."
            ) from None
        raise ConfigurationError(
            f"{setting}: nobody can listen on {host} port {port} here: {error}. Name an address "
            "of this machine and a free port, or none."
        ) from None
    return opened


def is_loopback(listener: socket.socket) -> bool:
    """Whether only processes of this machine can connect."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


class ApiServer:
    """Serves an application until it is stopped.

    Args:
        direct: what is asked first of a request that has come in whole.
        certificate: None for plaintext.
    """

    def __init__(
        self,
        app: Application,
        listener: Listener,
        *,
        direct: Direct | None = None,
        certificate: Certificate | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        limits = limits or ConnectionLimits()
        _silence_uvicorn()
        listener.limits = limits
        self._listener = listener
        self._certificate = certificate
        self.host, self.port = listener.getsockname()[:2]
        config = uvicorn.Config(
            app,
            http=type(
                "_Protocol",
                (BoundedProtocol,),
                {"limits": limits, "direct": direct and staticmethod(direct)},
            ),
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=limits.idle,  # type: ignore[arg-type]  # a timer's delay; it may be a part of a second
            timeout_graceful_shutdown=_DRAIN,
            timeout_notify=_FOLLOW_EVERY,
            callback_notify=self._follow,
        )
        config.load()
        self._server = _Server(config, listener, certificate, limits)
        self._thread = threading.Thread(target=self._run, name="rotator-api", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        scheme = "http" if self._certificate is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def start(self) -> None:
        """Begins to serve. Who connected before is answered from then on."""
        self._thread.start()

    def stop(self) -> None:
        """Takes no more connections, and waits for what is being answered."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()

    def reload(self) -> None:
        """Reads the certificate anew; where it can't be used, that is told, and the one before is kept."""
        if self._certificate is not None:
            try:
                self._certificate.reload()
            except ConfigurationError as error:
                _log.error("tls.refused", reason=str(error))

    def _run(self) -> None:
        # Outside of the main thread uvicorn leaves the process's signals alone.
        self._server.run()

    async def _follow(self) -> None:
        if self._certificate is not None:
            self._certificate.follow()


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        listener: Listener,
        certificate: Certificate | None,
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(config)
        self._listener = listener
        self._certificate = certificate
        self._limits = limits

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, with a limit for handshakes."""
        del sockets
        is_secure = self._certificate is not None
        server = await asyncio.get_running_loop().create_server(
            self._protocol,
            sock=self._listener,
            backlog=_BACKLOG,
            ssl=None if self._certificate is None else self._certificate.context,
            ssl_handshake_timeout=self._limits.request if is_secure else None,
            ssl_shutdown_timeout=self._limits.request if is_secure else None,
        )
        self.servers = [server]
        self.started = True

    def _protocol(self) -> BoundedProtocol:
        kind: type[BoundedProtocol] = self.config.http_protocol_class  # type: ignore[assignment]
        return kind(config=self.config, server_state=self.server_state, app_state={})


def _silence_uvicorn() -> None:
    """What uvicorn tells of requests is no event here; what goes wrong in them the application tells."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)
