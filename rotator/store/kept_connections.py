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
        self._room = most
        self._waiting = 0
        self._freed = threading.Condition(threading.Lock())

    def transaction(self, begin: Prepared) -> "_Held":
        """One transaction on a connection that nobody else has.

        Args:
            begin: the statement that it begins with.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        return _Held(self, begin)

    def connection(self) -> "_Held":
        """A connection that nobody else has, in no transaction.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        return _Held(self, None)

    def close(self) -> None:
        """Gives back every connection that no transaction has."""
        while self._free:
            self.discard(self._free.pop())

    def take(self) -> Connection:
        """A connection that nobody else has; errors as `connection` has them."""
        try:
            return self._free.pop()
        except IndexError:
            return self._wait_for_one()

    def give_back(self, connection: Connection) -> None:
        """Lets others have a connection that is in no transaction."""
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
                if not self._freed.wait_for(lambda: self._free or self._room, self._patience):
                    raise PoolTimeout("no connection came free")
                try:
                    return self._free.pop()
                except IndexError:
                    self._room -= 1
            finally:
                self._waiting -= 1
        try:
            return self._engine.connect()
        except BaseException:
            self._make_room()
            raise

    def _make_room(self) -> None:
        with self._freed:
            self._room += 1
            self._freed.notify()


class _Held:
    """A connection while somebody has it. A class, because a generator costs as much as a read."""

    __slots__ = ("_begin", "_connection", "_kept")

    def __init__(self, kept: KeptConnections, begin: Prepared | None) -> None:
        self._kept = kept
        self._begin = begin

    def __enter__(self) -> Connection:
        self._connection = connection = self._kept.take()
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
                self._kept.give_back(self._connection)


def _commit(connection: Connection) -> None:
    if connection.in_transaction():  # what SQLAlchemy ran by itself was within one of its own
        connection.commit()
        return
    try:
        connection.dialect.do_commit(connection.connection)
    except BaseException as error:  # noqa: BLE001  # SQLAlchemy raises it, and gives up a connection that was lost
        connection._handle_dbapi_exception(error, None, None, None, None)  # noqa: SLF001
