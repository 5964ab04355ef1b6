"""All connections of a store are busy: who waits too long is told, and whoever comes later is served."""

import contextlib

import pytest
from sqlalchemy import func, select

from rotator.errors import StoreUnavailable
from rotator.store.store import Store
from rotator.store.tables import sealing_check

_COUNT = select(func.count()).select_from(sealing_check)


def test_a_pool_without_a_free_connection_is_reported(store_url: str) -> None:
    """With every connection in a transaction the next one is refused in time; with one free again it works."""
    store = Store.open(store_url, create=False, lock_timeout=0.2)
    with contextlib.ExitStack() as busy:
        for _ in range(32):
            busy.enter_context(store.read()).execute(_COUNT)
        for transaction in (store.read(), store.write()):
            with pytest.raises(StoreUnavailable, match="All connections stayed busy"):
                transaction.__enter__()
    with store.write() as tx:
        assert tx.execute(_COUNT).scalar_one() == 0
    store.close()
