"""A cheap client: sends signed requests that were made before over some connections, and counts what comes back.

A process of its own, so that it holds up no server's interpreter. It takes an order as JSON on standard input and gives
its counts on standard output.
"""

import base64
import json
import re
import select
import socket
import sys
import time
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CLOSES = b"onnection: close"
_OK = b" 200"


@dataclass(slots=True)
class _Line:
    """One connection, with one request under way."""

    session: socket.socket
    number: int
    sent_at: float = 0.0
    received: bytes = b""


@dataclass(slots=True)
class _Tally:
    errors: int = 0
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    """Sends for as long as the order says."""
    order = json.load(sys.stdin)
    requests = [base64.b64decode(text) for text in order["requests"]]
    chosen, tally = select.epoll(), _Tally()
    address = (order["host"], order["port"])
    lines: dict[int, _Line] = {}

    def open_line(number: int) -> None:
        line = _Line(_connected(address), number)
        lines[line.session.fileno()] = line
        chosen.register(line.session, select.EPOLLIN)
        _send(line, requests)

    for number in range(order["connections"]):
        open_line(number * len(requests) // order["connections"])
    began = time.perf_counter()
    end = began + order["seconds"]
    while time.perf_counter() < end:
        for descriptor, _ in chosen.poll(1.0):
            line = lines[descriptor]
            part = line.session.recv(65_536)
            line.received = received = line.received + part if line.received else part
            if part and not _is_whole(received):
                continue
            tally.seconds.append(time.perf_counter() - line.sent_at)
            if received[8:12] != _OK:  # behind HTTP/1.1
                tally.errors += 1
            if part and _CLOSES not in received:
                _send(line, requests)
            else:  # as moto's server does each time
                chosen.unregister(descriptor)
                line.session.close()
                open_line(line.number)
    took = time.perf_counter() - began
    ordered = sorted(tally.seconds)
    p99 = ordered[len(ordered) * 99 // 100] if ordered else 0.0
    json.dump({"done": len(ordered), "errors": tally.errors, "took": took, "p99": p99}, sys.stdout)


def _connected(address: tuple[str, int]) -> socket.socket:
    session = socket.create_connection(address)
    session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return session


def _send(line: _Line, requests: list[bytes]) -> None:
    line.number = (line.number + 1) % len(requests)
    line.received = b""
    line.sent_at = time.perf_counter()
    line.session.sendall(requests[line.number])


def _is_whole(received: bytes) -> bool:
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    said = _LENGTH.search(received, 0, head)
    return said is not None and len(received) - head - 4 >= int(said[1])


if __name__ == "__main__":
    main()
