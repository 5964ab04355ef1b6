"""A pruning of the audit that is killed: whole batches are gone, with a signed checkpoint, or nothing is."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.store import audit_pruning, audit_verifying
from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support import moved, older_store
from tests.support.killed_commits import killed
from tests.support.manager import ME
from tests.support.store import AUDIT_KEY

_BATCH = 3


def prune(url: str, before: datetime) -> None:
    """Prunes in small batches; the shards that nobody has written to are left out, since they are empty."""
    store = Store.open(url, create=False, audit_key=AUDIT_KEY)
    used = tuple(sorted({shard for shard, _ in _records(store)}))
    with (
        patch.object(audit_pruning, "BATCH", _BATCH),
        patch.object(audit_pruning, "PRUNED_SHARDS", used),
    ):
        Auditing(store).prune(**ME, before=before)
    store.close()


def _records(store: Store) -> dict[tuple[int, int], datetime]:
    """The place of each record, and its time."""
    with store.read() as tx:
        rows = tx.connection.execute(select(audit.c.shard, audit.c.seq, audit.c.at))
        return {(row.shard, row.seq): row.at for row in rows}


def test_a_pruning_that_is_killed_anywhere_is_ended_by_the_next(
    empty_url: str, open_store: Callable[[str], Store], tmp_path: Path
) -> None:
    """SIGKILL before and after each commit in turn: what is left verifies, and nothing younger is ever lost.

    The store was an earlier release's, so that some records are in no chain, and its secrets were changed on both
    sides of the moment: what the records that go say of them is known still.
    """
    store = open_store(moved.upgraded(empty_url))
    manager = SecretsManager(store, Sealer(FileKeyProvider(older_store.copy_keyring(tmp_path))))
    for number in range(2 * _BATCH):
        manager.tag_resource(**ME, secret_id="app/token", tags={"number": str(number)})
    with store.read() as tx:
        before = tx.now
    manager.tag_resource(**ME, secret_id="app/token", tags={"number": "the last"})
    manager.describe_secret(**ME, secret_id="app/token")
    whole = _records(store)
    younger = {place for place, at in whole.items() if at >= before}
    strike, left = 0, [len(whole)]

    while killed(prune, empty_url, before, strike=(strike := strike + 1)):
        there = _records(store)
        assert younger <= there.keys()
        assert audit_verifying.verify(store).faults == ()
        left.append(len(there.keys() & whole.keys()))

    assert left == sorted(left, reverse=True), "a record came back"
    assert len(set(left)) > 3, "it was never killed between two batches"
    assert _records(store).keys() & whole.keys() == younger
    assert audit_verifying.verify(store).faults == ()
