"""Who waits for the next due moment learns of a sooner one: by NOTIFY on PostgreSQL, by a call within a process.

What is missed costs the time until the next poll and nothing else: the truth about what is due is in the tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from rotator.store.own_session import end_session, own_session
from rotator.store.tx import Tx

if TYPE_CHECKING:
    from psycopg import Connection

_NOTIFY = text("SELECT pg_notify('rotator_due', '')")
_LISTEN = "LISTEN rotator_due"


def wake(tx: Tx) -> None:
    """Says with the transaction's commit that something is due sooner than it was.

    Not for every write: PostgreSQL takes a lock of the whole server for the commit of a transaction that notifies
    (src/backend/commands/async.c, PreCommit_Notify).
    """
    tx.wakes = True
    if tx.dialect == "postgresql":
        tx.execute(_NOTIFY)


class Listener:
    """A session of its own on PostgreSQL that hears what `wake` says."""

    def __init__(self, session: "Connection[Any]") -> None:
        self._session = session

    def wait(self, seconds: float) -> bool:
        """Whether something was said, by now or within so many seconds."""
        return any(self._session.notifies(timeout=seconds, stop_after=1))


@contextmanager
def listening(engine: Engine) -> Iterator[Listener]:
    """A session that listens; errors are SQLAlchemy's."""
    import psycopg

    session = own_session(engine)
    try:
        driver: Any = session.connection.dbapi_connection
        driver.execute(_LISTEN)
        yield Listener(driver)
    except psycopg.Error as error:
        raise OperationalError(_LISTEN, None, error) from None
    finally:
        end_session(session)
