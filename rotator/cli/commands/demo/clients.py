"""The applications of the demo: each fetches the credential and logs in with it, over and over."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PAUSE = 0.01
"""Seconds between two logins of one client."""
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the clients have seen so far.

    Attributes:
        users: user name → logins.
        failures: one line for each login that failed.
    """

    users: dict[str, int]
    failures: tuple[str, ...]

    @property
    def logins(self) -> int:
        """Logins that succeeded."""
        return sum(self.users.values())


class Clients:
    """Threads that log in until they are stopped."""

    def __init__(
        self, fetch: Callable[[], dict[str, Any]], log_in: Callable[[dict[str, Any]], str]
    ) -> None:
        self._fetch = fetch
        self._log_in = log_in
        self._users: Counter[str] = Counter()
        self._failures: list[str] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()

    @contextmanager
    def running(self, count: int) -> Iterator[None]:
        """Runs so many clients during the block."""
        threads = [threading.Thread(target=self._work, name=f"client-{n}") for n in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def tally(self) -> Tally:
        """The count so far."""
        with self._changed:
            return Tally(users=dict(self._users), failures=tuple(self._failures))

    def wait_for(self, more: int) -> None:
        """Returns when so many more logins were tried, or after half a minute without them."""
        with self._changed:
            target = self._tried() + more
            self._changed.wait_for(lambda: self._tried() >= target, timeout=_PATIENCE)

    def _tried(self) -> int:
        return self._users.total() + len(self._failures)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                user = self._log_in(self._fetch())
            except Exception as error:  # noqa: BLE001  # whatever keeps an application out counts
                with self._changed:
                    self._failures.append(f"{type(error).__name__}: {error}".splitlines()[0])
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._users[user] += 1
                    self._changed.notify_all()
            self._stop.wait(PAUSE)
