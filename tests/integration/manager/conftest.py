"""A manager on a fresh store, on each engine."""

import pytest

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.store.store import Store


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager with no secrets."""
    return SecretsManager(store, sealer)
