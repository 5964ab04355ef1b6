"""A transaction as the query modules see it: a connection, and the clocks that count in it."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy import Connection, func, select

from rotator.errors import StoreUnavailable
from rotator.sdk import clock

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SERVER_TIME = select(func.clock_timestamp())


class HostClock:
    """The clocks of this machine, each read once: all users of a SQLite file share them."""

    @cached_property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @cached_property
    def lease_now(self) -> float:
        return clock()

    @property
    def lease_epoch(self) -> str:
        return _boot_id()


class ServerClock:
    """PostgreSQL's `clock_timestamp()`, read once; `now()` would stand still at the time when the transaction began."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def now(self) -> datetime:
        now: datetime = self._connection.execute(_SERVER_TIME).scalar_one()
        return now.astimezone(UTC)

    @property
    def lease_now(self) -> float:
        return self.now.timestamp()

    @property
    def lease_epoch(self) -> str:
        return "server"


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction on the store. It ends with the `with` block of `Store.read` or `Store.write` that gave it."""

    connection: Connection
    dialect: Dialect
    clock: HostClock | ServerClock

    @property
    def now(self) -> datetime:
        """The store's time in UTC, read when first asked for and the same for the rest of the transaction."""
        return self.clock.now

    @property
    def lease_now(self) -> float:
        """Seconds on the clock of leases, read like `now`. Readings compare only where `lease_epoch` is the same."""
        return self.clock.lease_now

    @property
    def lease_epoch(self) -> str:
        """Which clock `lease_now` reads: the machine's boot for SQLite, `server` for PostgreSQL."""
        return self.clock.lease_epoch


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    try:  # macOS
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=5
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        raise StoreUnavailable(
            "This system doesn't say which boot it is in, so leases in a SQLite store would mean nothing after a "
            "restart. Use a PostgreSQL store here."
        ) from None
