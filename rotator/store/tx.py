"""A transaction as the query modules see it: a connection, and the clocks that count in it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from sqlalchemy import Connection, func, select

from rotator.errors import StoreUnavailable
from rotator.sdk import clock

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SERVER_TIME = select(func.clock_timestamp())


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

    @cached_property
    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    @cached_property
    def lease_now(self) -> float:
        """See `Clock`."""
        return clock()

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
        now: datetime = self._connection.execute(_SERVER_TIME).scalar_one()
        return now.astimezone(UTC)

    @property
    def lease_now(self) -> float:
        """See `Clock`."""
        return self.now.timestamp()

    @property
    def lease_epoch(self) -> str:
        """The server, whichever way it is reached."""
        return "server"


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction on the store, for as long as the block of `Store.read` or `Store.write`."""

    connection: Connection
    dialect: Dialect
    clock: Clock

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
