"""Sessions on the server, and how they are kept from outliving their step."""

from typing import TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap
from psycopg.generators import execute
from psycopg.rows import TupleRow
from psycopg.waiting import Wait

from rotator.sdk import Rotation
from rotators.databases.sockets import readable_now
from rotators.postgresql.network import wait_for_socket

_RV = TypeVar("_RV")

_ADAPTERS = AdaptersMap(psycopg.adapters)


class DeadlinePassed(psycopg.OperationalError):
    """The step's time ran out while the server had not answered."""


class Session(psycopg.Connection[TupleRow]):
    """A connection in autocommit mode whose every wait ends at a deadline.

    It is closed then, for what the server still does is unknown.

    Attributes:
        deadline: a reading of `clock()`, the one of the step that the session serves.
        on_linux: whether the server runs on Linux; None where it was not asked.
    """

    deadline: float
    on_linux: bool | None = None

    # psycopg calls it with limits of its own, which the deadline replaces.
    def wait(self, gen: PQGen[_RV], interval: float = 0.0, timeout: float | None = None) -> _RV:  # noqa: ARG002
        """Run a generator of psycopg's until it is done, at the latest until the deadline."""
        try:
            wanted = next(gen)
            while True:
                ready = wait_for_socket(self.pgconn.socket, Wait(wanted), deadline=self.deadline)
                wanted = gen.send(ready)
        except StopIteration as end:
            result: _RV = end.value
            return result
        except TimeoutError:
            self.pgconn.finish()
            raise DeadlinePassed("the server did not answer in time") from None

    @property
    def adapters(self) -> AdaptersMap:
        """How values are written: the same for every session. One of its own takes longer to make than a query."""
        return _ADAPTERS

    def ask(self, message: sql.Composable) -> list[dict[str, str | None]]:
        """Sends statements without parameters as one message; gives the rows of the last, every value as text.

        It goes past psycopg's cursors, which take longer to set up than the server takes to answer.

        Raises:
            psycopg.Error: as `execute` does.
        """
        self.pgconn.send_query(message.as_bytes(self))
        results = self.wait(execute(self.pgconn))
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
        last = results[-1]
        names = [(last.fname(place) or b"").decode() for place in range(last.nfields)]
        return [
            {name: _text(last.get_value(row, place)) for place, name in enumerate(names)}
            for row in range(last.ntuples)
        ]

    @property
    def usable(self) -> bool:
        """Whether the session is open and the server silent; it speaks unasked before it closes."""
        return not self.closed and not readable_now(self.pgconn.socket)

    @property
    def password_asked(self) -> bool:
        """Whether the server asked for the password; under `trust`, `peer` or `cert` it doesn't."""
        return bool(self.pgconn.used_password)

    @property
    def on_standby(self) -> bool:
        """Whether the server replays another's changes; it says so at login and when it changes."""
        return self.pgconn.parameter_status(b"in_hot_standby") == b"on"


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def milliseconds(seconds: float) -> int:
    """For the server's time limits, where 0 would mean none."""
    return max(1, int(seconds * 1000))


def server_limits(rotation: Rotation) -> dict[str, int]:
    """The server's time limits for what is sent now, in milliseconds.

    They end before the deadline, so that the server's definite answer is still heard; and the wait for
    a lock ends first, because that says best what was the matter.
    """
    remaining = rotation.remaining()
    statement = max(remaining - 1.0, remaining * 0.8)
    return {
        "statement_timeout": milliseconds(statement),
        "lock_timeout": milliseconds(statement * 0.9),
        "idle_in_transaction_session_timeout": milliseconds(remaining),
    }
