"""The address of the daemon: the API, and `/livez`, `/readyz` and `/metrics` for whoever watches it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from rotator import telemetry
from rotator.api.connections import Listener
from rotator.api.operations.operation import Rooms
from rotator.api.parts import Page, Pages, Watch
from rotator.api.service import ApiService
from rotator.api.serving import AddressTaken, listening
from rotator.daemon.health import Health
from rotator.daemon.metrics import CONTENT_TYPE, Metrics
from rotator.sdk import clock

PLAIN: Final = "text/plain; charset=utf-8"

_log = telemetry.logger("daemon")

OpenApi = Callable[[Listener, Pages, Watch], ApiService]
"""Makes what answers on a socket, not started yet."""


class Endpoints:
    """Answers on one address, when it can be had.

    Args:
        address: host and port; None for none.
    """

    def __init__(
        self,
        address: tuple[str, int] | None,
        *,
        open_api: OpenApi,
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._address = address
        self._open_api = open_api
        self._health = health
        self._metrics = metrics
        self._service: ApiService | None = None
        self._rooms: Rooms | None = None
        self._told = False

    def open(self) -> bool:
        """Begins to answer; False where another process has the address, so that it is to be tried again.

        Raises:
            ConfigurationError: the address can't be had at all, or the certificate can't be used.
        """
        if self._address is None or self._service is not None:
            return True
        host, port = self._address
        try:
            listener = listening(host, port, setting="daemon.listen")
        except AddressTaken:
            if not self._told:
                _log.warning("health.address_taken", host=host, port=port)
            self._told = True
            return False
        pages = {"/livez": self._livez, "/readyz": self._readyz, "/metrics": self._all_metrics}
        service = self._open_api(listener, pages, self._metrics)
        if self._rooms is not None:
            service.use(self._rooms)
        service.start()
        self._service = service
        _log.info("health.listening", host=host, port=service.port, url=service.url)
        return True

    def use(self, rooms: Rooms) -> None:
        """Answers calls with these from now on, and shows the certificate as it is now."""
        self._rooms = rooms
        if self._service is not None:
            self._service.use(rooms)
            self._service.reload()

    def close(self) -> None:
        """Answers no more."""
        if self._service is not None:
            self._service.stop()
            self._service = None

    def _livez(self) -> Page:
        alive = self._health.is_alive(clock())
        return _page(alive, b"alive\n" if alive else b"the loop stands still\n")

    def _readyz(self) -> Page:
        return _page(self._health.is_ready(clock()), f"{self._health.condition}\n".encode())

    def _all_metrics(self) -> Page:
        return Page(HTTPStatus.OK, CONTENT_TYPE, self._metrics.text())


def _page(well: bool, text: bytes) -> Page:  # it is what is asked
    return Page(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, text)
