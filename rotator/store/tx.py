"""A transaction as the query modules see it: a connection, and the clocks that count in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from sqlalchemy import Connection, Executable, func, select

from rotator.crypto.audit_key import AuditKey
from rotator.errors import StoreUnavailable
from rotator.sdk import clock
from rotator.store import statements
from rotator.store.audit_drafts import Draft
from rotator.store.notes import Access, AuditEntry
from rotator.store.statements import Parameters, Rows

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SERVER_TIME = select(func.clock_timestamp())
_NONE: Parameters = {}


class Clock(Protocol):
    """The time in one transaction: each reading is taken when first asked for, then kept."""

    @property
    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    @property
    def lease_now(self) -> float:
        """Seconds on the clock of leases."""
        ...

    @property
    def lease_epoch(self) -> str:
        """Which clock `lease_now` reads."""
        ...


class HostClock:
    """The machine's own clocks: all who use a SQLite file share them."""

    __slots__ = ("_lease_now", "_now")

    def __init__(self) -> None:
        self._now: datetime | None = None
        self._lease_now: float | None = None

    @property
    def now(self) -> datetime:
        """See `Clock`."""
        if self._now is None:
            self._now = datetime.now(UTC)
        return self._now

    @property
    def lease_now(self) -> float:
        """See `Clock`."""
        if self._lease_now is None:
            self._lease_now = clock()
        return self._lease_now

    @property
    def lease_epoch(self) -> str:
        """The machine's boot."""
        return _boot_id()


class ServerClock:
    """PostgreSQL's `clock_timestamp()`; its `now()` is when the transaction began."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def now(self) -> datetime:
        """See `Clock`."""
        now: datetime = statements.execute(self._connection, _SERVER_TIME, _NONE).scalar_one()
        return now.astimezone(UTC)

    @property
    def lease_now(self) -> float:
        """See `Clock`."""
        return self.now.timestamp()

    @property
    def lease_epoch(self) -> str:
        """The server, whichever way it is reached."""
        return "server"


@dataclass(slots=True, eq=False)
class Memory:
    """What a database is known by from one transaction to the next.

    Attributes:
        key: gives the key that what is stored is authenticated with; None where there is none to ask.
        identities: those that were read last (`rotator.store.identities`).
        policies: ARN of a secret → its resource policy that was found authentic last (`rotator.store.audit_policies`).
    """

    key: Callable[[], AuditKey] | None = None
    identities: object | None = None
    policies: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Tx:
    """One transaction on the store, for as long as the block of `Store.read` or `Store.write`.

    Attributes:
        entries: audit records to be written at its end; those of a reading transaction are written
            after it, together with those of other threads.
        accesses: versions that were read, to be noted with their records.
        wakes: it makes something due sooner than it was (`waking.wake`).
        identities: those that it has found, where it sees one state of them (`rotator.store.identities`).
    """

    connection: Connection
    dialect: Dialect
    clock: Clock
    memory: Memory = field(default_factory=Memory)
    entries: list[AuditEntry | Draft] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    wakes: bool = False
    identities: object | None = None

    def record(self, entry: AuditEntry) -> None:
        """Notes an audit record. Without it the transaction is not kept, or its reader not answered."""
        self.entries.append(entry)

    def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] = _NONE
    ) -> Rows:
        """Runs a statement that was built once, at import; several sets of parameters run it for each."""
        return statements.execute(self.connection, statement, parameters)

    @property
    def now(self) -> datetime:
        """The store's time in UTC, the same in all of the transaction."""
        return self.clock.now

    @property
    def lease_now(self) -> float:
        """Seconds on the clock of leases, the same in all of the transaction.

        Two readings compare only where `lease_epoch` is the same.
        """
        return self.clock.lease_now

    @property
    def lease_epoch(self) -> str:
        """Which clock `lease_now` reads: the machine's boot id, or `server` on PostgreSQL."""
        return self.clock.lease_epoch


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _darwin_boot_id()


def _darwin_boot_id() -> str:
    import subprocess

    command = ["sysctl", "-n", "kern.bootsessionuuid"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        raise StoreUnavailable(
            "This system doesn't tell one boot from the next, so leases in a SQLite store would "
            "mean nothing after a restart. Use a PostgreSQL store here."
        ) from None
    return answer.stdout.strip()
