"""A manager on a fresh store, on each engine."""

import pytest

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.manager.next_due import Planner
from rotator.model.rules import Limits
from rotator.store.store import Store


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager with no secrets."""
    return SecretsManager(store, sealer)


@pytest.fixture
def strict(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager on the same store that takes the schedules of AWS and no others."""
    return SecretsManager(store, sealer, planner=Planner(limits=Limits.AWS))
