"""The endpoints: nobody keeps others from being answered."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from rotator.daemon import endpoints
from rotator.daemon.endpoints import Endpoints
from rotator.daemon.health import Health
from rotator.daemon.metrics import Metrics
from rotator.sdk import clock
from rotator.testing.ports import free_port
from tests.support.waiting import eventually

HOST = "127.0.0.1"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where endpoints answer that give a request half a second."""
    monkeypatch.setattr(endpoints, "_TIME_LIMIT", 0.5)
    while True:
        address = (HOST, free_port(HOST))
        opened = Endpoints(address, health=Health(clock()), metrics=Metrics())
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
        dripping = [stack.enter_context(socket.create_connection((HOST, port))) for _ in range(32)]

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
