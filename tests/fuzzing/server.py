"""The server that is fuzzed: on a new SQLite store, over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rotator.config.api import ApiSettings
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.store import Store
from tests.support.api import ServedApi, served
from tests.support.house import House
from tests.support.store import AUDIT_KEY, sqlite_url


@contextmanager
def serving(folder: Path) -> Iterator[tuple[ServedApi, Path]]:
    """The API, and the file of its store."""
    file, keyring = folder / "store.db", folder / "keyring.json"
    database = Database.connect(sqlite_url(file), create=True)
    schema.upgrade(database)
    database.close()
    create_keyring(keyring)
    store = Store.open(sqlite_url(file), create=False, audit_key=AUDIT_KEY)
    store.begin_audit()
    try:
        settings = ApiSettings(
            request_time=0.25, calls_per_second=0, refusals_per_second_of_address=0
        )
        with served(House(store, Sealer(FileKeyProvider(keyring))), settings) as api:
            yield api, file
    finally:
        store.close()
