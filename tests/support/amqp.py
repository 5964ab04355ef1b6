"""A connection to RabbitMQ as an application has it: AMQP 0-9-1 as far as its login goes."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_METHOD, _END = 1, b"\xce"
_START_OK, _TUNE_OK, _OPEN = (10, 11), (10, 31), (10, 40)


@dataclass(frozen=True, slots=True)
class AmqpConnection:
    """An open connection."""

    sock: socket.socket

    def has_ended(self) -> bool:
        """Whether the broker has closed it, or is about to."""
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


@contextlib.contextmanager
def connected(host: str, port: int, *, user: str, password: str) -> Iterator[AmqpConnection]:
    """A connection to the virtual host `/`, logged in."""
    with socket.create_connection((host, port), timeout=20) as sock:
        sock.sendall(b"AMQP\x00\x00\x09\x01")
        _receive(sock)
        response = f"\0{user}\0{password}".encode()
        table = struct.pack(">I", 0)
        _send(
            sock,
            _START_OK,
            table + _short("PLAIN") + struct.pack(">I", len(response)) + response + _short("en_US"),
        )
        tune = _receive(sock)
        _send(sock, _TUNE_OK, tune[4:10] + struct.pack(">H", 0))
        _send(sock, _OPEN, _short("/") + _short("") + b"\0")
        _receive(sock)
        yield AmqpConnection(sock)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _send(sock: socket.socket, method: tuple[int, int], arguments: bytes) -> None:
    payload = struct.pack(">HH", *method) + arguments
    sock.sendall(struct.pack(">BHI", _METHOD, 0, len(payload)) + payload + _END)


def _receive(sock: socket.socket) -> bytes:
    _, _, size = struct.unpack(">BHI", _exactly(sock, 7))
    return _exactly(sock, size + 1)[:-1]


def _exactly(sock: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = sock.recv(count - len(found))
        assert more, "the broker has closed the connection"
        found += more
    return found
