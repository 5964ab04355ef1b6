"""The server that is fuzzed: on a new SQLite store, over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rotator.config.api import ApiSettings
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.manager.manager import SecretsManager
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.store import Store
from tests.support.api import ServedApi, served
from tests.support.house import House
from tests.support.store import AUDIT_KEY, sqlite_url

_HASTY = 0.05  # seconds


class _Unhurried(House):
    """No value grows old while it is read: that is refused with 503 on a machine that is busy with something else."""

    @property
    def manager(self) -> SecretsManager:
        return SecretsManager(self.store, self.sealer, clock=lambda: 0.0)


@dataclass(frozen=True, slots=True)
class Served:
    """The API on one store.

    Attributes:
        hasty: gives a request next to no time, for those that never come in whole.
        store: its file.
    """

    api: ServedApi
    hasty: ServedApi
    store: Path


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The API on a new store in the folder."""
    file, keyring = folder / "store.db", folder / "keyring.json"
    database = Database.connect(sqlite_url(file), create=True)
    schema.upgrade(database)
    database.close()
    create_keyring(keyring)
    store = Store.open(sqlite_url(file), create=False, audit_key=AUDIT_KEY)
    store.begin_audit()
    house = _Unhurried(store, Sealer(FileKeyProvider(keyring)))
    try:
        with (
            served(house, ApiSettings(request_time=60.0, idle_time=60.0)) as api,
            served(house, ApiSettings(request_time=_HASTY)) as hasty,
        ):
            yield Served(api, hasty, file)
    finally:
        store.close()
