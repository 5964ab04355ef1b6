"""Answers that were fetched lately, in memory only, and not more than so many."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Condition
from typing import Final, NamedTuple

CURRENT: Final = "AWSCURRENT"


class Key(NamedTuple):
    """What was asked for, as it was asked."""

    secret_id: str
    version_id: str | None = None
    version_stage: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether it is answered with whatever version has AWSCURRENT."""
        return self.version_id is None and self.version_stage in {None, CURRENT}


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer.

    Attributes:
        body: GetSecretValue's, as it came.
        fetched_at: on a clock that is never set.
    """

    body: bytes
    version_id: str
    fetched_at: float

    def __repr__(self) -> str:
        return f"Entry(<redacted>, version_id={self.version_id!r})"


class Cache:
    """Keeps the entries that were asked for last. Any number of threads may use it."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._news = Condition()

    def get(self, key: Key) -> Entry | None:
        """The entry, which counts as asked for."""
        with self._news:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keeps an entry in place of the one before; the one that was asked for longest ago may have to go."""
        with self._news:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
            self._news.notify_all()

    def drop(self, key: Key) -> None:
        """Forgets an entry."""
        with self._news:
            self._entries.pop(key, None)

    def outdate(self, secret_id: str) -> list[Key]:
        """Forgets what a secret's other labels and versions gave; gives the keys by which its current value is kept."""
        with self._news:
            of_it = [key for key in self._entries if key.secret_id == secret_id]
            for key in of_it:
                if not key.is_current:
                    del self._entries[key]
            return [key for key in of_it if key.is_current]

    def current(self) -> Mapping[str, str]:
        """Secret → the version of its current value that is kept."""
        with self._news:
            return {
                key.secret_id: entry.version_id
                for key, entry in self._entries.items()
                if key.is_current
            }

    def wait_for_any(self, seconds: float) -> None:
        """Waits until something is kept."""
        with self._news:
            self._news.wait_for(lambda: bool(self._entries), seconds)
