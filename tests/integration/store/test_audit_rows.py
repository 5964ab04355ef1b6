"""Secrets are held against the records of their changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from rotator.manager.auditing import Auditing
from rotator.store import audit_known, schema
from rotator.store.audit_faults import Fault, Wrong
from rotator.store.database import Database
from rotator.store.store import Store
from rotator.store.tables import audit, labels, secrets
from tests.support import older_store
from tests.support.house import House
from tests.support.manager import ME, value


def faults(store: Store) -> list[tuple[str, Wrong]]:
    found = Auditing(store).verify(**ME).faults
    return [(_name(fault), fault.wrong) for fault in found]


def _name(fault: Fault) -> str:
    return fault.chain.removeprefix("secret ").rpartition("-")[0] or fault.chain


def prune(store: Store) -> int:
    """Removes every record that there was until now."""
    return Auditing(store).prune(**ME, before=datetime.now(UTC) + timedelta(days=1))


@pytest.fixture
def filled(house: House) -> House:
    """Secrets with something of everything, one that is gone, one that came back under the name of another."""
    manager = house.manager
    for name in ("kept", "removed", "back"):
        manager.create_secret(**ME, name=name, value=value(name), tags={"a": "b"}, description="d")
        manager.put_secret_value(**ME, secret_id=name, value=value(f"{name} 2"))
        manager.untag_resource(**ME, secret_id=name, tag_keys=["a"])
        manager.delete_secret(**ME, secret_id=name)
        manager.restore_secret(**ME, secret_id=name)
    manager.create_secret(**ME, name="empty")
    manager.delete_secret(**ME, secret_id="removed", force_without_recovery=True)
    manager.delete_secret(**ME, secret_id="back", force_without_recovery=True)
    manager.create_secret(**ME, name="back", value=value("back 3"))
    return house


def test_what_was_written_is_as_recorded(filled: House) -> None:
    """Nothing is wrong with secrets that nobody tampered with, before and after their records were pruned, twice."""
    assert faults(filled.store) == []
    assert Auditing(filled.store).verify(**ME).secrets == 3
    for _ in range(2):
        assert prune(filled.store) > 0
        assert faults(filled.store) == []
        assert Auditing(filled.store).verify(**ME).secrets == 3
        filled.manager.tag_resource(**ME, secret_id="kept", tags={"c": "d"})
        assert faults(filled.store) == []


@pytest.mark.parametrize("pruned", [False, True])
def test_a_removed_secret_is_missed(filled: House, pruned: bool) -> None:
    """A secret that was taken out of the store is told, also where the records of its beginning were pruned."""
    if pruned:
        prune(filled.store)
    with filled.store.write() as tx:
        tx.connection.execute(delete(secrets).where(secrets.c.name == "kept"))
    assert faults(filled.store) == [("kept", Wrong.REMOVED)]


def test_an_added_secret_is_found(filled: House) -> None:
    """A secret that nobody made, and one that was removed and is back."""
    with filled.store.write() as tx:
        row = dict(
            tx.connection.execute(select(secrets).where(secrets.c.name == "kept")).mappings().one()
        )
        made = row | {"id": 1000, "name": "made", "arn": row["arn"].replace("kept", "made")}
        tx.connection.execute(insert(secrets).values(made))
    assert faults(filled.store) == [("made", Wrong.INSERTED)]


def test_a_label_that_was_put_back_is_found_after_a_pruning(filled: House) -> None:
    """Pruning keeps what is known of a secret: AWSCURRENT on its earlier version is told."""
    prune(filled.store)
    with filled.store.write() as tx:
        at = dict(
            tx.execute(
                select(labels.c.label, labels.c.version_id)
                .join(secrets, secrets.c.id == labels.c.secret_id)
                .where(secrets.c.name == "kept")
            )
        )
        tx.connection.execute(
            update(labels)
            .where(labels.c.version_id == at["AWSCURRENT"])
            .values(version_id=at["AWSPREVIOUS"])
        )
    assert faults(filled.store) == [("kept", Wrong.ALTERED)]


def test_what_is_gone_leaves_no_record_for_ever(filled: House) -> None:
    """Once all records of a removed secret are pruned, nothing is restated of it."""
    with filled.store.read() as tx:
        arns = {row.secret_arn for row in tx.connection.execute(_ARNS)}
    gone = {arn for arn in arns if ":secret:removed-" in arn}
    prune(filled.store)
    prune(filled.store)
    with filled.store.read() as tx:
        assert audit_known.known_among(tx, sorted(gone)) == frozenset()


def test_secrets_of_the_first_release_are_held_against_what_they_were(
    empty_url: str, open_store: Callable[[str], Store]
) -> None:
    """The audit of an upgraded store begins with its secrets: what is altered since is found."""
    older_store.load(empty_url)
    database = Database.connect(empty_url, create=False)
    schema.upgrade(database)
    database.close()
    store = open_store(empty_url)
    store.begin_audit()
    assert faults(store) == []
    assert Auditing(store).verify(**ME).secrets == len(older_store.values())
    with store.write() as tx:
        tx.connection.execute(update(secrets).values(description="altered"))
    assert {wrong for _, wrong in faults(store)} == {Wrong.ALTERED}


_ARNS = select(audit.c.secret_arn).where(audit.c.secret_arn.is_not(None))
