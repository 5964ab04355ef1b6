"""Connections whose every wait ends at a deadline, for drivers that let a socket be handed in."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rotator.sdk import clock
from rotators.databases.sockets import resolve


class LimitedSocket:
    """A socket whose every wait ends at a deadline, however many pieces come in.

    Attributes:
        deadline: a reading of `clock()`.
        failure: why the last call failed; drivers keep its text only.
    """

    def __init__(self, sock: socket.socket, *, deadline: float) -> None:
        self._sock = sock
        self.deadline = deadline
        self.failure: OSError | None = None

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        try:
            self._limit()
            return self._sock.recv(size)
        except OSError as failure:
            self.failure = failure
            raise

    def sendall(self, data: bytes) -> None:
        """As a socket's."""
        try:
            self._limit()
            self._sock.sendall(data)
        except OSError as failure:
            self.failure = failure
            raise

    def settimeout(self, seconds: float | None) -> None:
        """The deadline counts instead."""
        del seconds

    def shutdown(self, how: int) -> None:
        """As a socket's."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """As a socket's."""
        self._sock.close()

    def _limit(self) -> None:
        remaining = self.deadline - clock()
        if remaining <= 0:
            raise TimeoutError("the server did not answer in time")
        self._sock.settimeout(remaining)


def connect(host: str, port: int, *, deadline: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers; each gets its share of the time.

    Args:
        host: a name or an address.
        port: the server's.
        deadline: a reading of `clock()`.

    Raises:
        OSError: none answers.
        TargetUnreachable, Misconfigured: as `resolve`.
    """
    addresses = resolve(host, port, deadline=deadline)
    for untried in range(len(addresses), 1, -1):
        share = max((deadline - clock()) / untried, 0.001)
        try:
            return socket.create_connection((addresses[-untried], port), timeout=share)
        except OSError:
            continue
    remaining = max(deadline - clock(), 0.001)
    return socket.create_connection((addresses[-1], port), timeout=remaining)


@contextmanager
def shut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shuts a connection at `deadline`, whatever it does by then, for drivers that limit each read by itself.

    Limits of single reads don't add up to one of the whole: the other end may send a byte now and then.
    """
    watchdog = threading.Timer(max(0.0, deadline - clock()), _shut, [sock])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # without what TLS would say of it first
