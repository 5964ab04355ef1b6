"""Connections kept at hand between transactions: to check one out of a pool and in again costs more than a read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout


class KeptConnections:
    """The connections of an engine whose database is a file: none is lost while nobody uses it.

    Args:
        most: connections at once, no more than the engine's pool has.
        patience: seconds to wait for a free one.
    """

    def __init__(self, engine: Engine, *, most: int, patience: float) -> None:
        self._engine = engine
        self._room = threading.BoundedSemaphore(most)
        self._patience = patience
        self._free: list[Connection] = []

    @contextmanager
    def transaction(self, **marks: object) -> Iterator[Connection]:
        """One transaction on a connection that nobody else has.

        Args:
            marks: what the engine's listeners find in the connection's `info`.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        with self.connection() as connection:
            connection.info.update(marks)
            with connection.begin():
                yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection that nobody else has, in no transaction.

        Raises:
            TimeoutError: none came free in time; SQLAlchemy's.
        """
        if not self._room.acquire(timeout=self._patience):
            raise PoolTimeout("no connection came free")
        try:
            connection = self._take()
            try:
                yield connection
            except BaseException:
                connection.close()  # the pool makes sure that nothing of a transaction is left
                raise
            self._free.append(connection)
        finally:
            self._room.release()

    def close(self) -> None:
        """Gives back every connection that no transaction has."""
        while self._free:
            self._free.pop().close()

    def _take(self) -> Connection:
        try:
            return self._free.pop()
        except IndexError:
            return self._engine.connect()
