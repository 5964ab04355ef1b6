"""Fixture: a whole rotator on each store."""

import pytest

from rotator.crypto.envelope import Sealer
from rotator.store.store import Store
from tests.support.house import House


@pytest.fixture
def house(store: Store, sealer: Sealer) -> House:
    """A rotator with quick retries, on each engine of the store."""
    return House(store, sealer)
