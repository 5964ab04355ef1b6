"""`/livez`, `/readyz` and `/metrics`, for whoever watches the daemon. They tell no secret and take no order."""

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rotator import telemetry
from rotator.daemon.health import Health
from rotator.daemon.metrics import CONTENT_TYPE, Metrics
from rotator.errors import ConfigurationError
from rotator.sdk import clock

_PLAIN = "text/plain; charset=utf-8"
_TIME_LIMIT = 5.0  # seconds for one request, so that nobody keeps threads by sending nothing
_MOST_AT_ONCE = 32

_log = telemetry.logger("daemon")


class Endpoints:
    """Answers on one address, when it can be had.

    Args:
        address: host and port; None for none.
    """

    def __init__(
        self, address: tuple[str, int] | None, *, health: Health, metrics: Metrics
    ) -> None:
        self._address = address
        self._health = health
        self._metrics = metrics
        self._server: ThreadingHTTPServer | None = None
        self._told = False

    def open(self) -> bool:
        """Begins to answer; False where another process has the address, so that it is to be tried again.

        Raises:
            ConfigurationError: the address can't be had at all.
        """
        if self._address is None or self._server is not None:
            return True
        host, port = self._address
        kind = _ServerV6 if ":" in host else _Server
        try:
            server = kind((host, port), partial(_Handler, self._answer))
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                raise ConfigurationError(
                    f"daemon.listen: nobody can listen on {host} port {port} here: {error}. Name an address "
                    "of this machine and a free port, or none."
                ) from None
            if not self._told:
                _log.warning("health.address_taken", host=host, port=port)
            self._told = True
            return False
        self._server = server
        threading.Thread(target=server.serve_forever, name="rotator-health", daemon=True).start()
        _log.info("health.listening", host=host, port=server.server_address[1])
        return True

    def close(self) -> None:
        """Answers no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        now = clock()
        if path == "/livez":
            alive = self._health.is_alive(now)
            return _status(alive), _PLAIN, b"alive\n" if alive else b"the loop stands still\n"
        if path == "/readyz":
            ready = self._health.is_ready(now)
            return _status(ready), _PLAIN, f"{self._health.condition}\n".encode()
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, self._metrics.text()
        return HTTPStatus.NOT_FOUND, _PLAIN, b"there are /livez, /readyz and /metrics\n"


def _status(well: bool) -> HTTPStatus:  # it is what is asked
    return HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = _MOST_AT_ONCE

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._room = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # The handler's own limit counts for each piece that comes in anew.
        watchdog = threading.Timer(_TIME_LIMIT, _shut, [request])
        watchdog.daemon = True
        watchdog.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            watchdog.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks and goes away is no event."""


def _shut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIME_LIMIT
    server_version, sys_version = "rotator", ""

    def __init__(
        self, answer: Callable[[str], tuple[HTTPStatus, str, bytes]], *arguments: Any
    ) -> None:
        self._answer = answer
        super().__init__(*arguments)

    def do_GET(self) -> None:  # the base's name
        status, kind, body = self._answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # the base's name

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base's name
        """Requests are no events."""
