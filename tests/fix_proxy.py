"""Fixture: TCP proxies that fail on demand, before any server of a test."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.tcp_proxy import TcpProxy, running_proxy


@pytest.fixture
def tcp_proxy() -> Iterator[Callable[[str, int], TcpProxy]]:
    """Makes a proxy before a host and port; it is closed when the test ends."""
    with contextlib.ExitStack() as proxies:

        def before(host: str, port: int) -> TcpProxy:
            return proxies.enter_context(running_proxy((host, port)))

        yield before
