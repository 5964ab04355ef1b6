"""A cheap client: sends signed requests that were made before over some connections, and counts what comes back.

A process of its own, so that it holds up no server's interpreter. It takes an order as JSON on standard input and gives
its counts on standard output.
"""

import base64
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

_LENGTH = b"content-length:"
_CLOSES = b"connection: close"


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
    chosen, tally = selectors.DefaultSelector(), _Tally()
    address = (order["host"], order["port"])
    for number in range(order["connections"]):
        line = _Line(_connected(address), number * len(requests) // order["connections"])
        chosen.register(line.session, selectors.EVENT_READ, line)
        _send(line, requests)
    began = time.perf_counter()
    end = began + order["seconds"]
    while time.perf_counter() < end:
        for key, _ in chosen.select(1.0):
            line = key.data
            part = line.session.recv(65_536)
            line.received += part
            if part and not _is_whole(line.received):
                continue
            _count(line, tally)
            if not part or _CLOSES in line.received.lower():  # as moto's server does each time
                chosen.unregister(line.session)
                line.session.close()
                line.session = _connected(address)
                chosen.register(line.session, selectors.EVENT_READ, line)
            _send(line, requests)
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
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    lowered = head.lower()
    at = lowered.index(_LENGTH) + len(_LENGTH)
    return len(body) >= int(lowered[at:].split(b"\r\n", 1)[0])


def _count(line: _Line, tally: _Tally) -> None:
    tally.seconds.append(time.perf_counter() - line.sent_at)
    if line.received[8:12] != b" 200":  # behind HTTP/1.1
        tally.errors += 1


if __name__ == "__main__":
    main()
