"""Fixture: the API of one store, for all tests of the session."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.store.store import Store
from tests.support.api import ServedApi, served
from tests.support.house import House
from tests.support.store import AUDIT_KEY, sqlite_url


@pytest.fixture(scope="session")
def api(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """A served API; each test uses secrets of its own."""
    folder = tmp_path_factory.mktemp("api")
    path, keyring = folder / "store.db", folder / "keyring.json"
    shutil.copy(sqlite_template, path)
    path.chmod(0o600)
    create_keyring(keyring)
    store = Store.open(sqlite_url(path), create=False, audit_key=AUDIT_KEY)
    with served(House(store, Sealer(FileKeyProvider(keyring)))) as api:
        yield api
    store.close()
