"""The store: a database whose schema is this release's."""

from typing import Self

from rotator.store import schema
from rotator.store.database import LOCK_TIMEOUT, Database
from rotator.store.tx import Tx

__all__ = ["Store", "Tx"]


class Store(Database):
    """A database that rotator can work on."""

    @classmethod
    def open(cls, url: str, *, create: bool, lock_timeout: float = LOCK_TIMEOUT) -> Self:
        """The store at `url`.

        A SQLite store is brought up to this release first; a PostgreSQL store has to be there
        already.

        Args:
            url: `sqlite:////path/to/store.db` or `postgresql://user:password@host/name`.
            create: make a SQLite file where there is none.
            lock_timeout: seconds to wait for what another process has locked.

        Raises:
            ConfigurationError: the URL can't be used.
            StoreUnavailable: it can't be reached, or its schema is another release's.
        """
        store = cls.connect(url, create=create, lock_timeout=lock_timeout)
        try:
            schema.require(store)
        except BaseException:
            store.close()
            raise
        return store
