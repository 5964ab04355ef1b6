"""The clients of a proof, each in a process of its own."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from rotator.errors import RotatorError
from rotator.rotation.prove.logins import Login
from rotator.rotation.prove.serving import Order

_FAREWELL = 10.0  # seconds


class ClientGone(RotatorError):
    """A client of the proof ended by itself."""


class Crowd:
    """Starts clients, hears what they report, and stops them.

    Args:
        command: starts a client's process.
        take: is called with each login, by one thread at a time.
        farewell: seconds that a client may take to end the login that it is in.
    """

    def __init__(
        self,
        command: Sequence[str],
        take: Callable[[Login], None],
        *,
        farewell: float = _FAREWELL,
    ) -> None:
        self._command = list(command)
        self._take = take
        self._farewell = farewell
        self._heard = threading.Condition()
        self._gone: str | None = None
        self._stopping = False

    @contextmanager
    def running(self, orders: Sequence[Order]) -> Iterator[None]:
        """Runs so many clients during the block; when it ends they finish the login that they are in."""
        processes: list[subprocess.Popen[str]] = []
        readers: list[threading.Thread] = []
        try:
            for order in orders:
                processes.append(self._start(order))
                reader = threading.Thread(target=self._hear, args=(processes[-1],), daemon=True)
                reader.start()
                readers.append(reader)
            yield
        finally:
            self._stopping = True
            _stop(processes, readers, farewell=self._farewell)

    def wait_for(self, condition: Callable[[], bool], *, limit: float) -> bool:
        """Whether the condition, which is looked at after each login, comes true within so many seconds.

        Raises:
            ClientGone: a client ended by itself.
        """
        with self._heard:
            self._heard.wait_for(lambda: self._gone is not None or condition(), timeout=limit)
            if self._gone is not None:
                raise ClientGone(self._gone)
            return condition()

    def locked(self) -> threading.Condition:
        """Held while nothing is taken."""
        return self._heard

    def _start(self, order: Order) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the proof, which stops its clients in order
        )
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it is gone already, which its reader hears
                process.stdin.write(order.to_line())
                process.stdin.flush()
        return process

    def _hear(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            heard = json.loads(line)
            with self._heard:
                if "login" in heard:
                    self._take(Login.from_wire(heard["login"]))
                else:
                    self._gone = self._gone or str(heard["gone"])
                self._heard.notify_all()
        code = process.wait()
        with self._heard:
            if not self._stopping and self._gone is None:
                self._gone = f"a client's process ended by itself (exit code {code})"
            self._heard.notify_all()


def _stop(
    processes: Sequence["subprocess.Popen[str]"],
    readers: Sequence[threading.Thread],
    *,
    farewell: float,
) -> None:
    for process in processes:
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
    for process, reader in zip(processes, readers, strict=False):
        reader.join(farewell)
        if reader.is_alive():
            process.kill()  # what it started ends with it: a rotator's process minds its pipe
            reader.join()
        if process.stdout is not None:
            process.stdout.close()
