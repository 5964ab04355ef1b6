"""A store whose time a test can move."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from rotator.store.store import Store
from rotator.store.tx import Clock


@dataclass(frozen=True)
class Moved:
    """A clock with another time than it would tell; leases go by it as it is."""

    clock: Clock
    ahead: timedelta
    stopped_at: datetime | None

    @property
    def now(self) -> datetime:
        return self.stopped_at or self.clock.now + self.ahead

    @property
    def lease_now(self) -> float:
        return self.clock.lease_now

    @property
    def lease_epoch(self) -> str:
        return self.clock.lease_epoch


class MovableStore(Store):
    """A store for which more time has passed than for the rest of the world, or for which it stands still."""

    ahead = timedelta(0)
    stopped_at: datetime | None = None

    def _clock(self, connection: Connection) -> Clock:
        return Moved(super()._clock(connection), self.ahead, self.stopped_at)
