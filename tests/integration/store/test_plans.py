"""The helper that reads query plans tells an index from a scan."""

import pytest
from sqlalchemy import bindparam, select, update

from rotator.store.store import Store
from rotator.store.tables import secrets, versions
from tests.integration.store.plans import assert_indexed


def test_a_search_by_an_index_passes(store: Store) -> None:
    """A statement that finds its rows by a key or a partial index is accepted."""
    assert_indexed(store, select(secrets).where(secrets.c.id == bindparam("id")), {"id": 1})
    waiting = select(secrets.c.id).where(secrets.c.due_at.is_not(None)).order_by(secrets.c.due_at)
    assert_indexed(store, waiting.limit(10))
    pin = update(versions).where(versions.c.secret_id == 1, versions.c.version_id == "v")
    assert_indexed(store, pin.values(pinned=True))


def test_a_scan_of_a_table_fails(store: Store) -> None:
    """A statement that has no index for its condition is refused, whether it reads or writes."""
    with pytest.raises(AssertionError, match="reads all of"):
        assert_indexed(store, select(secrets).where(secrets.c.description == "x"))
    with pytest.raises(AssertionError, match="reads all of"):
        assert_indexed(store, update(versions).where(versions.c.pinned).values(pinned=False))


def test_a_scan_of_a_whole_index_fails(store: Store) -> None:
    """An index that is read from end to end is no better than a table."""
    with pytest.raises(AssertionError, match="reads all of"):
        assert_indexed(store, select(versions.c.secret_id, versions.c.created_at))
