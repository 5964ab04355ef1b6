"""Of all processes at a store one does what is to be done once, for as long as its session lives."""

from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rotator.store.own_session import end_session, own_session

# An advisory lock of the session: PostgreSQL ends it with the session, whatever becomes of the process.
_TRY = text("SELECT pg_try_advisory_lock(:duty)")
_STILL = text("SELECT 1")


class Sole:
    """The right to a duty. Not for several threads at once.

    Args:
        engine: of a PostgreSQL database; None where only one process works anyway.
        duty: tells one duty of the store from another.
    """

    def __init__(self, engine: Engine | None, *, duty: int) -> None:
        self._engine = engine
        self._duty = duty
        self._session: Connection | None = None

    def is_mine(self) -> bool:
        """Whether this process has the right now; it tries to get it. Where the store can't be asked it has not."""
        if self._engine is None:
            return True
        if self._session is not None:
            try:
                self._session.execute(_STILL)
            except DBAPIError:
                self._drop(self._session)
            else:
                return True
        try:
            return self._get(self._engine)
        except (DBAPIError, PoolTimeout):
            return False

    def give_back(self) -> None:
        """Lets another process have it."""
        if self._session is not None:
            self._drop(self._session)

    def _get(self, engine: Engine) -> bool:
        session = own_session(engine)
        given: Any = False
        try:
            given = session.execute(_TRY, {"duty": self._duty}).scalar_one()
        finally:
            if given:
                self._session = session
            else:
                self._drop(session)
        return bool(given)

    def _drop(self, session: Connection) -> None:
        self._session = None
        end_session(session)
