"""Connections kept at hand between transactions: to check one out of a pool and in again costs more than a read.

Their transactions begin and end on the driver itself: SQLAlchemy's own, around them, would cost as much as a read too.
"""

import threading
from types import TracebackType

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rotator.store.statements import Prepared


class KeptConnections:
    """The connections of an engine whose database is a file: none is lost while nobody uses it.

    Args:
        most: connections at once, no more than the engine's pool has.
        patience: seconds to wait for a free one.
    """

    def __init__(self, engine: Engine, *, most: int, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._free: list[Connection] = []
        # The one that wrote last: what another connection writes empties SQLite's page cache, its own writes don't.
        self._warm: list[Connection] = []
        self._most = self._room = most
        self._waiting = 0
        self._freed = threading.Condition(threading.Lock())

    def transaction(self, begin: Prepared, *, writes: bool) -> "_Held":
        """One transaction on a connection that nobody else has.

        Args:
            begin: the statement that it begins with.
            writes: at most one such transaction goes on at a time.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        return _Held(self, begin, writes=writes)

    def connection(self) -> "_Held":
        """A connection that nobody else has, in no transaction.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        return _Held(self, None, writes=False)

    def close(self) -> None:
        """Gives back every connection that no transaction has."""
        for kept in (self._free, self._warm):
            while kept:
                self.discard(kept.pop())

    def take(self, *, writes: bool) -> tuple[Connection, bool]:
        """A connection that nobody else has, and whether it is the warm one; errors as `connection` has them."""
        if writes or self._is_idle():
            try:
                return self._warm.pop(), True
            except IndexError:
                pass
        try:
            return self._free.pop(), False
        except IndexError:
            return self._wait_for_one(), False

    def give_back(self, connection: Connection, *, warm: bool) -> None:
        """Lets others have a connection that is in no transaction."""
        if warm and not self._warm:
            self._warm.append(connection)
        else:
            self._free.append(connection)
        # Who waits has said so before it looked for a free one, so that it either finds this one or is woken.
        if self._waiting:
            with self._freed:
                self._freed.notify()

    def discard(self, connection: Connection) -> None:
        """Closes a connection that may be in a transaction, and makes room for another."""
        try:
            connection.close()  # the pool makes sure that nothing of a transaction is left
        finally:
            self._make_room()

    def _wait_for_one(self) -> Connection:
        with self._freed:
            self._waiting += 1
            try:
                found = self._freed.wait_for(self._pick, self._patience)
                if not found:
                    raise PoolTimeout("no connection came free")
                if isinstance(found, Connection):
                    return found
            finally:
                self._waiting -= 1
        try:
            return self._engine.connect()
        except BaseException:
            self._make_room()
            raise

    def _is_idle(self) -> bool:
        """Whether nobody has a connection, so that the warm one is not kept from a writer; a guess, without a lock."""
        return len(self._free) + len(self._warm) + self._room == self._most

    def _pick(self) -> "Connection | bool":
        """A connection that was given back, or True with room taken for a new one; False where there is neither."""
        for kept in (self._free, self._warm):
            try:
                return kept.pop()
            except IndexError:
                continue
        if self._room:
            self._room -= 1
            return True
        return False

    def _make_room(self) -> None:
        with self._freed:
            self._room += 1
            self._freed.notify()


class _Held:
    """A connection while somebody has it. A class, because a generator costs as much as a read."""

    __slots__ = ("_begin", "_connection", "_kept", "_warm", "_writes")

    def __init__(self, kept: KeptConnections, begin: Prepared | None, *, writes: bool) -> None:
        self._kept = kept
        self._begin = begin
        self._writes = writes

    def __enter__(self) -> Connection:
        connection, warm = self._kept.take(writes=self._writes)
        self._connection = connection
        self._warm = warm or self._writes
        if self._begin is not None:
            try:
                self._begin.run(connection, {})
            except BaseException:
                self._kept.discard(connection)
                raise
        return connection

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failed = True
        try:
            if kind is None:
                if self._begin is not None:
                    _commit(self._connection)
                failed = False
        finally:
            if failed:
                self._kept.discard(self._connection)
            else:
                self._kept.give_back(self._connection, warm=self._warm)


def _commit(connection: Connection) -> None:
    if connection.in_transaction():  # what SQLAlchemy ran by itself was within one of its own
        connection.commit()
        return
    try:
        connection.dialect.do_commit(connection.connection)
    except BaseException as error:  # noqa: BLE001  # SQLAlchemy raises it, and gives up a connection that was lost
        connection._handle_dbapi_exception(error, None, None, None, None)  # noqa: SLF001
