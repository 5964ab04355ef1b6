"""Transactions on a database, whatever the release of its schema."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rotator.errors import ConfigurationError, StoreUnavailable
from rotator.store import postgresql, sqlite, waking
from rotator.store.kept_connections import KeptConnections
from rotator.store.process_turn import PATIENCE, ProcessTurn
from rotator.store.sole import Sole
from rotator.store.tx import Clock, Dialect, HostClock, Memory, ServerClock, Tx
from rotator.store.waking import Listener
from rotator.store.write_turn import WriteTurn

LOCK_TIMEOUT = 10.0
"""Seconds to wait for what another process has locked."""


class Database:
    """A pool of connections to a SQLite file or a PostgreSQL database, for any number of threads.

    Its transactions raise `StoreUnavailable`, with what to do next, when the database can't be
    reached or is locked, read-only or full. Nothing of the transaction was kept then, unless the
    connection was lost in the commit itself: the message says so. An `IntegrityError` passes
    through. No message quotes a value.
    """

    def __init__(self, engine: Engine, *, url: URL, lock_timeout: float) -> None:
        self.dialect: Dialect = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        # Without the query: it may hold a password too.
        self.url_shown = url.set(query={}).render_as_string(hide_password=True)
        self.memory = Memory()
        self._path = url.database or ""
        self._engine = engine
        self._kept = (
            KeptConnections(engine, most=sqlite.CONNECTIONS, patience=lock_timeout)
            if self.dialect == "sqlite"
            else None
        )
        self._lock_timeout = lock_timeout
        # SQLite's waiting writers poll, with ever longer pauses; one process's threads queue here.
        self._turn = WriteTurn() if self.dialect == "sqlite" else None
        self._process_turn = (
            ProcessTurn(Path(self._path), patience=min(PATIENCE, lock_timeout))
            if self.dialect == "sqlite"
            else None
        )

    @classmethod
    def connect(cls, url: str, *, create: bool, lock_timeout: float = LOCK_TIMEOUT) -> Self:
        """The database at `url`.

        Args:
            url: `sqlite:////path/to/store.db` or `postgresql://user:password@host/name`.
            create: make a SQLite file where there is none.
            lock_timeout: seconds to wait for what another process has locked.

        Raises:
            ConfigurationError: the URL can't be used.
            StoreUnavailable: there is no such file, or others may read it.
        """
        parsed, engine = open_engine(url, create=create, lock_timeout=lock_timeout)
        return cls(engine, url=parsed, lock_timeout=lock_timeout)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database on a server."""
        return Path(self._path) if self.dialect == "sqlite" else None

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction that only reads: one state on SQLite, READ COMMITTED on PostgreSQL."""
        return _Transaction(self, self._begin(writes=False))

    def glance(self) -> AbstractContextManager[Tx]:
        """For one statement that reads: it sees one state by itself, so SQLite needs no transaction around it."""
        kept = self._kept
        return _Transaction(self, self._engine.begin() if kept is None else kept.connection())

    def write(self, *, first: bool = False) -> AbstractContextManager[Tx]:
        """A transaction that may write; on SQLite it has the write lock from its beginning.

        Args:
            first: it goes before other threads' that wait already, because many wait for it; one at a time may.
        """
        return _Transaction(self, self._begin(writes=True), turn=self._turn, first=first)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """A session that hears of what is due sooner than it was; on PostgreSQL only.

        Raises:
            StoreUnavailable: it can't be had, or was lost.
        """
        try:
            with waking.listening(self._engine) as listener:
                yield listener
        except Exception as error:
            trouble = self.explained(error)
            if trouble is None:
                raise
            raise trouble from None

    def sole(self, duty: int) -> Sole:
        """The right to a duty that one process at a time has."""
        return Sole(None if self.dialect == "sqlite" else self._engine, duty=duty)

    def close(self) -> None:
        """Ends every connection that no transaction has."""
        if self._kept is not None:
            self._kept.close()
        self._engine.dispose()
        if self._process_turn is not None:
            self._process_turn.close()

    def take_turn(self, turn: WriteTurn, *, first: bool) -> None:
        """Waits until no other thread of this process writes to the file, and, mostly, no other process.

        Raises:
            StoreUnavailable: that took too long.
        """
        if not turn.take(timeout=self._lock_timeout, first=first):
            raise self._trouble("Another transaction of this process took too long. Try again.")
        if self._process_turn is not None:
            try:
                self._process_turn.take()
            except BaseException:
                turn.give_up()
                raise

    def end_turn(self, turn: WriteTurn) -> None:
        """Lets others write."""
        if self._process_turn is not None:
            self._process_turn.give_up()
        turn.give_up()

    def in_transaction(self, connection: Connection) -> Tx:
        """A transaction that has begun on a connection."""
        return Tx(connection, self.dialect, self._clock(connection), self.memory)

    def explained(self, error: Exception, *, committing: bool = False) -> StoreUnavailable | None:
        """What an error means for whoever uses the store; None where the store is not to blame.

        Args:
            committing: it came as the transaction was being committed.
        """
        if isinstance(error, PoolTimeout):
            return self._trouble("All connections stayed busy for too long. Try again.")
        if not isinstance(error, DBAPIError):
            return None
        trouble = self._explain(error)
        if trouble is None:
            return None
        if committing and error.connection_invalidated:
            trouble += " It happened in a commit, which may or may not have been kept."
        return self._trouble(trouble)

    def _begin(self, *, writes: bool) -> AbstractContextManager[Connection]:
        if self._kept is None:
            return self._engine.begin()
        begin = sqlite.BEGIN_IMMEDIATE if writes else sqlite.BEGIN
        return self._kept.transaction(begin, writes=writes)

    def _clock(self, connection: Connection) -> Clock:
        return HostClock() if self.dialect == "sqlite" else ServerClock(connection)

    def _explain(self, error: DBAPIError) -> str | None:
        if self.dialect == "sqlite":
            return sqlite.explain(error, path=self._path)
        return postgresql.explain(error)

    def _trouble(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"The store {self.url_shown} is not available. {what}")


class _Transaction:
    """A transaction while it goes on, with the driver's errors as `StoreUnavailable`.

    A class, because a generator costs as much as a read.
    """

    __slots__ = ("_begun", "_database", "_first", "_turn")

    def __init__(
        self,
        database: Database,
        begun: AbstractContextManager[Connection],
        *,
        turn: WriteTurn | None = None,
        first: bool = False,
    ) -> None:
        self._database = database
        self._begun = begun
        self._turn = turn
        self._first = first

    def __enter__(self) -> Tx:
        if self._turn is not None:
            self._database.take_turn(self._turn, first=self._first)
        try:
            return self._database.in_transaction(self._begun.__enter__())
        except BaseException as error:
            self._end_turn()
            self._raise_explained(error)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._begun.__exit__(kind, error, traceback)
        except BaseException as raised:
            self._raise_explained(raised, committing=kind is None)
            raise
        finally:
            self._end_turn()
        self._raise_explained(error)

    def _raise_explained(self, error: BaseException | None, *, committing: bool = False) -> None:
        if isinstance(error, Exception):
            trouble = self._database.explained(error, committing=committing)
            if trouble is not None:
                raise trouble from None

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._database.end_turn(self._turn)


def open_engine(url: str, *, create: bool, lock_timeout: float) -> tuple[URL, Engine]:
    """The parsed URL and its engine; arguments and errors as those of `Database.connect`."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed, sqlite.connect(parsed, create=create, lock_timeout=lock_timeout)
    return parsed, postgresql.connect(parsed, lock_timeout=lock_timeout)


def is_missing_file(url: str) -> bool:
    """Whether `url` names a SQLite file that would have to be made.

    Raises:
        ConfigurationError: the URL can't be used.
    """
    parsed = _parse(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        # Without the URL, which may hold a password.
        raise ConfigurationError(
            "The store's URL is neither sqlite:////path/to/store.db nor "
            "postgresql://user:password@host:5432/name. Mend it in the settings."
        )
    return parsed
