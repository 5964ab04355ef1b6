"""The end of a recovery window."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from rotator.crypto.envelope import Sealer
from rotator.errors import AccessDenied, ResourceNotFound
from rotator.manager import purging
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind
from rotator.model.rotation import MachineState, Phase, Status
from rotator.sdk import Overlap
from rotator.store import labels, rotations, versions
from rotator.store.store import Store
from rotator.store.tables import audit, secrets, tags
from rotator.store.tables import labels as label_table
from rotator.store.tables import versions as version_table
from tests.support.clock import MovableStore
from tests.support.manager import ABROAD, ME, begin_rotation, row_id, token, value
from tests.support.store import AUDIT_KEY


@pytest.fixture
def store(store_url: str) -> Iterator[MovableStore]:
    """A store whose time can be moved."""
    opened = MovableStore.open(store_url, create=False, audit_key=AUDIT_KEY)
    yield opened
    opened.close()


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager on it."""
    return SecretsManager(store, sealer)


def mark(manager: SecretsManager, *names: str, days: int = 7) -> None:
    for name in names:
        manager.create_secret(**ME, name=name, value=value("v1"), tags={"team": "a"})
        manager.delete_secret(**ME, secret_id=name, recovery_window_in_days=days)


def left(store: Store) -> set[str]:
    with store.read() as tx:
        return set(tx.connection.execute(select(secrets.c.name)).scalars())


def test_a_secret_goes_when_its_window_is_over(
    manager: SecretsManager, store: MovableStore
) -> None:
    """Not a moment before; with all that belongs to it, and with a record of its own."""
    mark(manager, "db")
    mark(manager, "later", days=8)
    manager.create_secret(**ME, name="unmarked")
    arn = manager.describe_secret(**ME, secret_id="db").arn

    store.ahead = timedelta(days=7) - timedelta(minutes=1)
    assert manager.purge(**ME, limit=10) == 0
    store.ahead = timedelta(days=7, minutes=1)
    assert manager.purge(**ME, limit=10) == 1

    assert left(store) == {"later", "unmarked"}
    with pytest.raises(ResourceNotFound):
        manager.restore_secret(**ME, secret_id=arn)
    with store.read() as tx:
        kept = select(secrets.c.id)
        for table in (version_table, label_table, tags):
            orphans = select(table).where(table.c.secret_id.not_in(kept))
            assert tx.connection.execute(orphans).all() == []
        ended = select(audit.c.secret_arn, audit.c.principal).where(
            audit.c.event == "EndSecretVersionDelete"
        )
        assert tx.connection.execute(ended).all() == [(arn, "local:alice")]


def test_a_restored_secret_stays(manager: SecretsManager, store: MovableStore) -> None:
    """Whoever restores in time keeps the secret."""
    mark(manager, "db")
    store.ahead = timedelta(days=6)
    manager.restore_secret(**ME, secret_id="db")

    store.ahead = timedelta(days=60)
    assert manager.purge(**ME, limit=10) == 0
    assert left(store) == {"db"}


def test_a_purged_name_is_free(manager: SecretsManager, store: MovableStore) -> None:
    """It gets another ARN, and the old one never names the new secret."""
    mark(manager, "db")
    old = manager.describe_secret(**ME, secret_id="db").arn
    store.ahead = timedelta(days=8)
    manager.purge(**ME, limit=1)

    assert manager.create_secret(**ME, name="db").arn != old
    with pytest.raises(ResourceNotFound):
        manager.describe_secret(**ME, secret_id=old)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_limit_is_kept_over_batches(
    manager: SecretsManager,
    store: MovableStore,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
) -> None:
    """Those that are due longest go first, and the next purge goes on where this one ended."""
    monkeypatch.setattr(purging, "_BATCH", batch)
    mark(manager, "a", "b", "c", "d", "e")
    store.ahead = timedelta(days=8)

    assert manager.purge(**ME, limit=3) == 3
    assert left(store) == {"d", "e"}
    assert manager.purge(**ME, limit=3) == 2
    assert manager.purge(**ME, limit=3) == 0


def test_what_a_probe_has_not_settled_stays(manager: SecretsManager, store: MovableStore) -> None:
    """A pinned version or an unsettled rotation keeps its secret until it is settled."""
    mark(manager, "pinned", "abandoning")
    manager.restore_secret(**ME, secret_id="abandoning")
    state = MachineState(phase=Phase.SET, overlap=Overlap.GAP, created=True, touched=True)
    rotation_id = begin_rotation(store, "abandoning", token=token(2), state=state)
    manager.delete_secret(**ME, secret_id="abandoning", force_without_recovery=True)
    with store.write() as tx:
        pinned = row_id(tx, "pinned")
        version = labels.load(tx, pinned).version("AWSCURRENT")
        assert version is not None
        versions.set_pinned(tx, secret_id=pinned, version_id=version, pinned=True)
    store.ahead = timedelta(days=8)

    assert manager.purge(**ME, limit=10) == 0
    assert left(store) == {"pinned", "abandoning"}

    with store.write() as tx:
        versions.release(tx, pinned)
        versions.release(tx, row_id(tx, "abandoning"))
    assert manager.purge(**ME, limit=10) == 1
    with store.write() as tx:
        found = rotations.get(tx, rotation_id)
        assert found is not None
        assert found.status == Status.ABANDONING
        tx.connection.execute(text("UPDATE rotations SET status = 'abandoned'"))
    assert manager.purge(**ME, limit=10) == 1


def test_purging_keeps_to_its_own_account_and_region(
    manager: SecretsManager, store: MovableStore
) -> None:
    """Another region's secrets are another caller's to remove, and not everyone may."""
    mark(manager, "db")
    store.ahead = timedelta(days=8)

    assert manager.purge(caller=ABROAD, request_id="request-9", limit=10) == 0
    nobody = Caller(kind="api", name="x", account="1", region="r")  # type: ignore[arg-type]
    assert nobody.kind not in set(CallerKind)
    with pytest.raises(AccessDenied):
        manager.purge(caller=nobody, request_id="request-9", limit=10)
    assert left(store) == {"db"}
