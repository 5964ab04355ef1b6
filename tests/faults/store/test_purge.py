"""A purge that is killed: secrets are gone whole, with their records, or not at all."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.manager import purging
from rotator.manager.deleting import PURGED
from rotator.manager.manager import SecretsManager
from rotator.store.store import Store
from rotator.store.tables import audit, labels, secrets, tags, versions, words
from tests.support.clock import MovableStore
from tests.support.killed_commits import killed
from tests.support.manager import ME, value
from tests.support.store import AUDIT_KEY

_OVER = [f"over-{number}" for number in range(9)]


def purge(url: str, keyring: Path) -> None:
    """Purges in batches of two, eight days later."""
    store = MovableStore.open(url, create=False, audit_key=AUDIT_KEY)
    store.ahead = timedelta(days=8)
    with patch.object(purging, "_BATCH", 2):
        SecretsManager(store, Sealer(FileKeyProvider(keyring))).purge(**ME, limit=100)
    store.close()


def _present(store: Store) -> set[str]:
    """The names of the secrets that are there, each with all that belongs to it."""
    with store.read() as tx:
        found = {
            row.name: row.id for row in tx.connection.execute(select(secrets.c.name, secrets.c.id))
        }
        for table in (versions, labels, tags, words):
            ids = set(tx.connection.execute(select(table.c.secret_id)).scalars())
            assert ids == set(found.values())
    return set(found)


def _recorded(store: Store) -> list[str]:
    """The names in the records of secrets that went for good."""
    with store.read() as tx:
        details = tx.connection.execute(select(audit.c.detail).where(audit.c.event == PURGED))
        return [detail["name"] for detail in details.scalars()]


def test_a_purge_that_is_killed_anywhere_is_ended_by_the_next(
    store: Store, store_url: str, sealer: Sealer, keyring: Path
) -> None:
    """SIGKILL before and after each commit in turn: what is gone is recorded once, what is kept is whole."""
    manager = SecretsManager(store, sealer)
    for name in (*_OVER, "kept", "marked-later"):
        manager.create_secret(**ME, name=name, value=value("v"), tags={"team": "a"})
    for name in _OVER:
        manager.delete_secret(**ME, secret_id=name, recovery_window_in_days=7)
    manager.delete_secret(**ME, secret_id="marked-later", recovery_window_in_days=30)
    strike = 0
    between = set()
    while killed(purge, store_url, keyring, strike=(strike := strike + 1)):
        present = _present(store)
        assert sorted(_recorded(store)) == sorted(set(_OVER) - present)
        assert {"kept", "marked-later"} <= present
        between.add(len(present))
    assert len(between) > 3, "it was never killed between two batches"
    assert _present(store) == {"kept", "marked-later"}
    assert sorted(_recorded(store)) == _OVER
