"""Old versions go also where nobody puts new ones."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.store import old_versions, rota, tables
from rotator.store.store import Store
from tests.integration.store.plans import assert_indexed
from tests.support.manager import ME, row_id, token, value

_KEPT = 2


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions without a label are many here."""
    monkeypatch.setattr(old_versions, "KEPT_WITHOUT_LABEL", _KEPT)


def _count(store: Store, name: str) -> int:
    with store.read() as tx:
        found = tx.connection.execute(
            tables.versions.select().where(tables.versions.c.secret_id == row_id(tx, name))
        )
        return len(found.all())


def _secret(manager: SecretsManager, name: str, *, values: int) -> None:
    """One with this many versions, of which two have labels."""
    manager.create_secret(**ME, name=name, value=value("0"))
    for number in range(1, values):
        manager.put_secret_value(
            **ME, secret_id=name, value=value(str(number)), client_request_token=token(number)
        )


def _grow_old(store: Store, name: str) -> None:
    with store.write() as tx:
        days = update(tables.versions).where(tables.versions.c.secret_id == row_id(tx, name))
        tx.connection.execute(days.values(created_at=tx.now - timedelta(days=2)))


def test_old_versions_go_from_secrets_that_rest(store: Store, manager: SecretsManager) -> None:
    """What is old and beyond the number that is kept goes, with a record; what is young or labelled stays."""
    for name, values in (("crowded", 7), ("young", 7), ("few", 3)):
        _secret(manager, name, values=values)
    for name in ("crowded", "few"):
        _grow_old(store, name)
    before = {name: _count(store, name) for name in ("crowded", "young", "few")}

    assert manager.prune_versions(**ME, after=0, secrets_at_most=1) == (5 - _KEPT, 1)
    assert manager.prune_versions(**ME, after=1, secrets_at_most=1) == (0, 2)
    assert manager.prune_versions(**ME, after=2, secrets_at_most=1) == (0, 0)
    after = {name: _count(store, name) for name in before}
    assert after == before | {"crowded": 2 + _KEPT}
    assert manager.prune_versions(**ME, after=0, secrets_at_most=10) == (0, 0)
    with store.read() as tx:
        events = tx.connection.execute(tables.audit.select()).mappings().all()
    [pruned] = [event for event in events if event["event"] == "VersionsPruned"]
    assert pruned["detail"] == {"versions": 5 - _KEPT}
    assert Auditing(store).verify(**ME).faults == ()


def test_an_empty_store_has_nothing_to_prune(manager: SecretsManager) -> None:
    """There is no first secret to begin at."""
    assert manager.prune_versions(**ME, after=0, secrets_at_most=10) == (0, 0)


def test_stretches_of_secrets_are_read_through_indexes(store: Store) -> None:
    """Neither the rota nor the count of versions reads a whole table."""
    at = {"after": 0, "until": 10, "old": None, "kept": 1}
    assert_indexed(store, old_versions._CROWDED, at)
    of = {"after": 0, "until": 10, "at_account": "a", "at_region": "r", "most": 5}
    assert_indexed(store, rota._ROTATING, of)
