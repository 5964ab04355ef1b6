"""A TCP proxy that fails on demand, to put between a client and a real server.

What it does to connections is set by its methods, at any time, also for those that are open:
`forward` (the default), `refuse`, `blackhole`, `cut`, `cut_after`, `cut_at`.
"""

import contextlib
import enum
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

_CHUNK = 65536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Sender(enum.Enum):
    """Whose bytes a fault looks at."""

    CLIENT = "client"
    SERVER = "server"


class _Fault(Protocol):
    """Looks at a stream; None lets a chunk pass, otherwise what still passes before the cut."""

    @property
    def sender(self) -> Sender: ...

    def last_words(self, stream: "_Stream", chunk: bytes) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class _CutAfter:
    sender: Sender
    count: int

    def last_words(self, stream: "_Stream", chunk: bytes) -> bytes | None:
        room = self.count - stream.passed
        return chunk[: max(room, 0)] if len(chunk) >= room else None


@dataclass(frozen=True, slots=True)
class _CutAt:
    sender: Sender
    pattern: bytes
    deliver: bool

    def last_words(self, stream: "_Stream", chunk: bytes) -> bytes | None:
        # A pattern may be spread over chunks, so the end of what passed before counts too.
        overlap = max(len(stream.tail) - len(self.pattern) + 1, 0)
        if self.pattern not in stream.tail[overlap:] + chunk:
            return None
        return chunk if self.deliver else b""


@dataclass(slots=True)
class _Stream:
    """One direction of one connection."""

    sender: Sender
    source: socket.socket
    sink: socket.socket
    passed: int = 0
    tail: bytes = b""


@dataclass(eq=False, slots=True)
class _Link:
    """One client's connection with the server's end that belongs to it."""

    client: socket.socket
    server: socket.socket
    threads: list[threading.Thread] = field(default_factory=list)
    running: int = 2
    severed: bool = False

    def cut(self) -> None:
        """End both connections by a reset, as a crashed host or a firewall would."""
        self.severed = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads it
            end.close()


class TcpProxy:
    """Listens on a free loopback port and forwards to `target`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.tripped = threading.Event()
        """Set when a cut that was armed by `cut_after` or `cut_at` has happened."""
        self._target = target
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._fault: _Fault | None = None
        self._once = True
        self._holds = False
        self._gate = threading.Condition()  # of `_holds`, and of links that are severed
        # Bound but never listening: it keeps the port ours while connections are refused.
        self._reservation = self._bound_socket(0)
        self.host, self.port = self._reservation.getsockname()
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._listen()

    def forward(self) -> None:
        """Disarm every fault; connections that were held go on where they were."""
        with self._lock:
            self._fault = None
        self._let_pass()
        if self._listener is None:
            self._listen()

    def refuse(self) -> None:
        """Refuse new connections; open ones go on."""
        listener, acceptor = self._listener, self._acceptor
        self._listener = self._acceptor = None
        if listener is not None and acceptor is not None:
            listener.shutdown(socket.SHUT_RD)
            acceptor.join()
            listener.close()

    def blackhole(self) -> None:
        """Accept connections, and let nothing pass in either direction, in silence."""
        with self._gate:
            self._holds = True

    def cut(self) -> None:
        """Reset every open connection now."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            self._sever(link)
        for link in links:
            for thread in link.threads:
                thread.join()

    def cut_after(self, count: int, *, sender: Sender, once: bool = True) -> None:
        """Reset a connection when `count` bytes of `sender` have passed."""
        self._arm(_CutAfter(sender, count), once=once)

    def cut_at(
        self, pattern: bytes, *, sender: Sender, deliver: bool = False, once: bool = True
    ) -> None:
        """Reset a connection when `pattern` comes by from `sender`.

        `deliver` lets the bytes read along with the pattern through first; otherwise the other side
        never sees the pattern's end.
        """
        self._arm(_CutAt(sender, pattern, deliver), once=once)

    def close(self) -> None:
        """Stop listening, reset what is open, and wait for every thread."""
        self.refuse()
        self._let_pass()
        self.cut()
        self._reservation.close()

    def _arm(self, fault: _Fault, *, once: bool) -> None:
        with self._lock:
            self._fault, self._once = fault, once
        self.tripped.clear()

    @staticmethod
    def _bound_socket(port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def _listen(self) -> None:
        self._listener = listener = self._bound_socket(self.port)
        listener.listen()
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._open(client)

    def _open(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        link = _Link(client, server)
        for stream in (
            _Stream(Sender.CLIENT, client, server),
            _Stream(Sender.SERVER, server, client),
        ):
            thread = threading.Thread(target=self._carry, args=(link, stream), daemon=True)
            link.threads.append(thread)
        with self._lock:
            self._links.append(link)
        for thread in link.threads:
            thread.start()

    def _carry(self, link: _Link, stream: _Stream) -> None:
        self._pump(link, stream)
        with self._lock:
            link.running -= 1
            if link.running == 0 and link in self._links:
                self._links.remove(link)
                link.client.close()
                link.server.close()

    def _let_pass(self) -> None:
        with self._gate:
            self._holds = False
            self._gate.notify_all()

    def _sever(self, link: _Link) -> None:
        with self._gate:
            link.cut()
            self._gate.notify_all()

    def _received(self, link: _Link, stream: _Stream) -> bytes:
        """What comes next; nothing at the end, which the other side learns of as this one has."""
        try:
            return stream.source.recv(_CHUNK)
        except OSError:
            if not link.severed:
                self._sever(link)
            return b""

    def _pump(self, link: _Link, stream: _Stream) -> None:
        """Carry one direction until its source ends, the connection is cut, or a fault strikes."""
        with contextlib.suppress(OSError):
            while chunk := self._received(link, stream):
                with self._gate:
                    self._gate.wait_for(lambda: link.severed or not self._holds)
                if link.severed:  # the answer to somebody's last words
                    return
                last_words = self._last_words(stream, chunk)
                if last_words is not None:
                    link.severed = True
                    stream.sink.sendall(last_words)
                    self._trip(link)
                    return
                stream.sink.sendall(chunk)
                stream.passed += len(chunk)
                stream.tail = (stream.tail + chunk)[-_CHUNK:]
            if not link.severed:
                stream.sink.shutdown(socket.SHUT_WR)

    def _last_words(self, stream: _Stream, chunk: bytes) -> bytes | None:
        with self._lock:
            fault = self._fault
            if fault is None or fault.sender is not stream.sender:
                return None
            last_words = fault.last_words(stream, chunk)
            if last_words is not None and self._once:
                self._fault = None
            return last_words

    def _trip(self, link: _Link) -> None:
        self._sever(link)
        with self._lock:
            if link in self._links:
                self._links.remove(link)
        self.tripped.set()


@contextlib.contextmanager
def running_proxy(target: tuple[str, int]) -> Iterator[TcpProxy]:
    """A proxy before `target`, closed at the end of the block."""
    proxy = TcpProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
