"""The endpoints: nobody keeps others from being answered."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from unittest.mock import Mock

import pytest

from rotator.api.connections import Listener
from rotator.api.parts import ApiParts, Pages, Watch
from rotator.api.service import ApiService
from rotator.config.api import ApiSettings
from rotator.daemon.endpoints import Endpoints
from rotator.daemon.health import Health
from rotator.daemon.metrics import Metrics
from rotator.sdk import clock
from rotator.testing.ports import free_port
from tests.support.waiting import eventually

HOST = "127.0.0.1"
CONNECTIONS = 32


def _open_api(listener: Listener, pages: Pages, watch: Watch) -> ApiService:
    """Pages alone, which are given half a second to be asked for."""
    parts = ApiParts(
        rooms=Mock(), authenticator=Mock(), account="", region="", pages=pages, watch=watch
    )
    return ApiService(parts, ApiSettings(request_time=0.5, connections=CONNECTIONS), listener)


@pytest.fixture
def port() -> Iterator[int]:
    """Where endpoints answer that give a request half a second."""
    while True:
        address = (HOST, free_port(HOST))
        opened = Endpoints(address, open_api=_open_api, health=Health(clock()), metrics=Metrics())
        if opened.open():  # False where somebody was faster
            break
    yield address[1]
    opened.close()


def _is_answered(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def test_requests_that_drip_keep_no_others_out(port: int) -> None:
    """Who sends a byte now and then, over as many connections as are served at once, is cut off after a while."""
    over = threading.Event()
    with ExitStack() as stack:
        dripping = [
            stack.enter_context(socket.create_connection((HOST, port))) for _ in range(CONNECTIONS)
        ]

        def drip() -> None:
            while not over.wait(0.05):
                for each in dripping:
                    with suppress(OSError):
                        each.send(b"G")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert eventually(lambda: _is_answered(port))
        finally:
            over.set()
            thread.join()
