"""What the agent answers: from its memory while that is fresh, else from the API, else, for a while, the old value."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final, Protocol

from rotator import telemetry
from rotator.agent.cache import Cache, Entry, Key
from rotator.agent.upstream import Refused, ServerAway
from rotator.sdk import clock

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_NOTHING_KEPT: Final = 1.0  # seconds between two looks whether there is something to watch

_log = telemetry.logger("agent")


class Source(Protocol):
    """Where values come from; errors as `rotator.agent.upstream.Upstream` has them."""

    def get(self, key: Key) -> bytes:
        """What GetSecretValue answers."""
        ...

    def changed(self, known: Mapping[str, str]) -> list[str]:
        """Those of the secrets whose current version is another one than is known."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """An answer.

    Attributes:
        age: seconds since it was fetched.
        is_stale: it should have been fetched anew, and the API was away.
    """

    entry: Entry
    age: float
    is_stale: bool = False


class _Turn:
    """Those who ask the same question at one time, of whom one after the other may ask the API.

    Attributes:
        waiting: how many there are.
        away: how the last attempt of one of them failed, and when it ended.
    """

    __slots__ = ("away", "lock", "waiting")

    def __init__(self) -> None:
        self.lock = Lock()
        self.waiting = 0
        self.away: tuple[float, ServerAway] | None = None


class Secrets:
    """The secrets of one API.

    Args:
        ttl: seconds that an answer is fresh; 0 keeps nothing.
        stale: seconds beyond these that it is given out while the API is away.
        size: answers that are kept.
    """

    def __init__(
        self,
        source: Source,
        *,
        ttl: float,
        stale: float,
        size: int,
        now: Callable[[], float] = clock,
    ) -> None:
        self._source = source
        self._ttl = ttl
        self._stale = stale
        self._now = now
        self._cache = Cache(size=size)
        self._turns: dict[Key, _Turn] = {}
        self._lock = Lock()
        self._stopped = Event()
        self._watcher = Thread(target=self._watch, name="rotator-agent-watch", daemon=True)

    def start(self) -> None:
        """Begins to watch for changes of what is kept."""
        self._watcher.start()

    def stop(self) -> None:
        """Ends that; a poll that is under way is left to itself."""
        self._stopped.set()

    def find(self, key: Key, *, refresh: bool = False) -> Found:
        """The answer to a question.

        Args:
            refresh: nothing that is kept will do.

        Raises:
            Refused: the API refuses; nothing is kept for this question any more.
            ServerAway: it is away, and what is kept is none, too old, or not wanted.
        """
        asked_at = self._now()
        if not refresh and (fresh := self.fresh(key)) is not None:
            return fresh
        with self._turn(key) as turn:
            # Who waited for another one's answer to the same question takes that, and so it is where there was none:
            # an API that lets everybody wait in turn would keep the last for minutes from what may be given out.
            entry = self._cache.get(key)
            if entry is not None and entry.fetched_at >= asked_at:
                return Found(entry, self._now() - entry.fetched_at)
            if turn.away is not None and turn.away[0] >= asked_at:
                return self._old(key, ServerAway(*turn.away[1].args), refresh=refresh)
            try:
                return Found(self._fetch(key), 0.0)
            except ServerAway as away:
                turn.away = self._now(), away
                return self._old(key, away, refresh=refresh)

    def fresh(self, key: Key) -> Found | None:
        """The answer that is kept, where it is new enough; the API is not asked, and nothing is waited for."""
        entry = self._cache.get(key)
        if entry is None:
            return None
        age = self._now() - entry.fetched_at
        return Found(entry, age) if age < self._ttl else None

    def _old(self, key: Key, away: ServerAway, *, refresh: bool) -> Found:
        entry = self._cache.get(key)
        if entry is None or refresh:
            raise away
        age = self._now() - entry.fetched_at
        if age >= self._ttl + self._stale:
            self._cache.drop(key)
            raise away
        _log.warning("secret.stale", secret=key.secret_id, age=round(age), reason=str(away))
        return Found(entry, age, is_stale=True)

    def _fetch(self, key: Key) -> Entry:
        asked_at = self._now()
        try:
            body = self._source.get(key)
        except Refused:
            self._cache.drop(key)
            raise
        entry = Entry(body, str(json.loads(body)["VersionId"]), asked_at)
        if self._ttl > 0:
            self._cache.put(key, entry)
        return entry

    @contextmanager
    def _turn(self, key: Key) -> Iterator[_Turn]:
        """One thread at a time asks the same question."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield turn
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[key]

    # Changes

    def _watch(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            known = self._cache.current()
            if not known:
                self._cache.wait_for_any(_NOTHING_KEPT)
                continue
            try:
                self._renew(self._source.changed(known))
                pause = _FIRST_PAUSE
            except Refused as refused:
                _log.warning("changes.refused", status=refused.status, ttl=self._ttl)
                self._stopped.wait(_LONGEST_PAUSE)
            except ServerAway as away:
                _log.warning("server.away", reason=str(away), pause=pause)
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception as error:  # noqa: BLE001  # the watch goes on, whatever was answered
                _log.error("changes.failed", error=type(error).__name__)
                self._stopped.wait(_LONGEST_PAUSE)

    def _renew(self, changed: list[str]) -> None:
        for secret_id in changed:
            for key in self._cache.outdate(secret_id):
                with self._turn(key):
                    try:
                        entry = self._fetch(key)
                    except Refused as refused:
                        _log.warning("secret.refused", secret=secret_id, status=refused.status)
                    else:
                        _log.info("secret.refreshed", secret=secret_id, version=entry.version_id)
