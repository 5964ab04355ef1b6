"""Transactions on a database, whatever the release of its schema."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rotator.errors import ConfigurationError, StoreUnavailable
from rotator.store import postgresql, sqlite
from rotator.store.tx import Dialect, HostClock, ServerClock, Tx

LOCK_TIMEOUT = 10.0
"""Seconds to wait for what another process has locked."""


class Database:
    """A pool of connections to a SQLite file or a PostgreSQL database.

    Its transactions raise `StoreUnavailable`, with what to do next, when the database is unreachable, locked, read-only
    or full; then nothing of the transaction was kept. An `IntegrityError` passes through.
    """

    def __init__(self, engine: Engine, *, url: URL, lock_timeout: float) -> None:
        self.dialect: Dialect = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        self.url_shown = url.set(query={}).render_as_string(hide_password=True)
        self._path = url.database or ""
        self._reading = engine
        self._writing = sqlite.for_writing(engine) if self.dialect == "sqlite" else engine
        self._lock_timeout = lock_timeout
        # SQLite's waiting writers poll, with ever longer pauses; the threads of one process queue here instead.
        self._queue = threading.Lock() if self.dialect == "sqlite" else None

    @classmethod
    def connect(cls, url: str, *, create: bool, lock_timeout: float = LOCK_TIMEOUT) -> Self:
        """The database at `url`: `sqlite:////path` or `postgresql://user@host/name`.

        Args:
            create: make a SQLite file where there is none.
            lock_timeout: seconds to wait for what another process has locked.

        Raises:
            ConfigurationError: the URL can't be used.
            StoreUnavailable: there is no such file, or others may read it.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            engine = sqlite.connect(parsed, create=create, lock_timeout=lock_timeout)
        else:
            engine = postgresql.connect(parsed, lock_timeout=lock_timeout)
        return cls(engine, url=parsed, lock_timeout=lock_timeout)

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction that only reads: one state of the store on SQLite, READ COMMITTED on PostgreSQL."""
        return self._transaction(self._reading)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that may write; on SQLite it holds the write lock from its beginning."""
        if self._queue is None:
            with self._transaction(self._writing) as tx:
                yield tx
            return
        if not self._queue.acquire(timeout=self._lock_timeout):
            raise self._trouble("Other threads of this process held it for too long. Try again.")
        try:
            with self._transaction(self._writing) as tx:
                yield tx
        finally:
            self._queue.release()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Tx]:
        try:
            with engine.begin() as connection:
                yield Tx(connection, self.dialect, self._clock(connection))
        except IntegrityError:
            raise
        except DBAPIError as error:
            trouble = self._explain(error)
            if trouble is None:
                raise
            raise self._trouble(trouble) from None
        except PoolTimeout:
            raise self._trouble("All of its connections stayed busy. Try again.") from None

    def _clock(self, connection: Connection) -> HostClock | ServerClock:
        return HostClock() if self.dialect == "sqlite" else ServerClock(connection)

    def _explain(self, error: DBAPIError) -> str | None:
        return (
            sqlite.explain(error, path=self._path)
            if self.dialect == "sqlite"
            else postgresql.explain(error)
        )

    def _trouble(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"The store {self.url_shown} is not available. {what}")

    def close(self) -> None:
        """Ends every connection that no transaction holds."""
        self._reading.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        backend = None
    else:
        if backend in {"sqlite", "postgresql"}:
            return parsed
    raise ConfigurationError(
        "The store's URL is neither sqlite:////path/to/store.db nor postgresql://user:password@host:5432/name. "
        "Check the setting store.url."
    )
