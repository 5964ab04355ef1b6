"""The read barrier of a gap rotation, as readers see it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.manager.reading import POLL
from rotator.manager.results import Delayed, SecretValueResult
from rotator.store import secrets
from rotator.store.store import Store
from tests.support.manager import ME, THE_ENGINE, row_id, token, value

LIMIT = 30.0


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
    manager.put_secret_value(**ME, secret_id="db", value=value("v2"), client_request_token=token(2))


def raise_barrier(store: Store, *, seconds: float = LIMIT) -> None:
    with store.write() as tx:
        until = tx.now + timedelta(seconds=seconds)
        secrets.update(tx, row_id(tx, "db"), barrier_raised_at=tx.now, barrier_until=until)


def lower_barrier(store: Store) -> None:
    with store.write() as tx:
        secrets.update(tx, row_id(tx, "db"), barrier_raised_at=None, barrier_until=None)


@pytest.mark.parametrize("stage", [None, "AWSCURRENT"])
def test_a_read_of_the_current_value_is_delayed(
    manager: SecretsManager, store: Store, stage: str | None
) -> None:
    """While the barrier is raised, AWSCURRENT isn't given out, named or not."""
    raise_barrier(store)

    outcome = manager.read_secret_value(**ME, secret_id="db", version_stage=stage)

    assert isinstance(outcome, Delayed)
    assert 0 < outcome.seconds <= LIMIT
    assert 0 < manager.barrier_remaining(outcome) <= LIMIT


@pytest.mark.parametrize(
    "request_",
    [{"version_stage": "AWSPREVIOUS"}, {"version_id": token(2)}, {"version_id": token(1)}],
    ids=["label", "id of the current version", "id"],
)
def test_other_versions_are_read_at_once(
    manager: SecretsManager, store: Store, request_: dict[str, str]
) -> None:
    """Whoever names a version, or another label, doesn't wait."""
    raise_barrier(store)

    outcome = manager.read_secret_value(**ME, secret_id="db", **request_)

    assert isinstance(outcome, SecretValueResult)


def test_the_engine_is_exempt(manager: SecretsManager, store: Store) -> None:
    """The engine reads what it needs, an admin secret for one, while the barrier is raised."""
    raise_barrier(store)

    assert isinstance(manager.read_secret_value(**THE_ENGINE, secret_id="db"), SecretValueResult)


def test_the_barrier_falls_at_its_limit(manager: SecretsManager, store: Store) -> None:
    """A barrier that nobody lowers delays no read for longer than its limit."""
    raise_barrier(store, seconds=-0.001)

    assert isinstance(manager.read_secret_value(**ME, secret_id="db"), SecretValueResult)


def test_a_clock_that_jumped_back_extends_no_barrier(manager: SecretsManager, store: Store) -> None:
    """A barrier that seems to be raised in the future was raised before the jump, and counts as fallen."""
    raise_barrier(store)
    delayed = manager.read_secret_value(**ME, secret_id="db")
    assert isinstance(delayed, Delayed)
    with store.write() as tx:
        raised_at, until = (tx.now + timedelta(seconds=seconds) for seconds in (3600, 3602))
        secrets.update(tx, row_id(tx, "db"), barrier_raised_at=raised_at, barrier_until=until)

    assert manager.barrier_remaining(delayed) == 0
    assert isinstance(manager.read_secret_value(**ME, secret_id="db"), SecretValueResult)


def test_a_delayed_read_leaves_no_trace(manager: SecretsManager, store: Store) -> None:
    """A read is on record, and counted as an access, when it is answered."""
    raise_barrier(store)

    manager.read_secret_value(**ME, secret_id="db")

    assert manager.describe_secret(**ME, secret_id="db").accessed_on is None


def test_a_waiting_reader_gets_the_new_value_through_another_store(
    manager: SecretsManager,
    store: Store,
    store_url: str,
    open_store: Callable[[str], Store],
    sealer: Sealer,
) -> None:
    """A reader in another process waits until the label has moved and the barrier fell, then gets the new value."""
    raise_barrier(store)
    waiting = threading.Event()
    released = threading.Event()
    elsewhere = SecretsManager(open_store(store_url), sealer)

    def sleep(seconds: float) -> None:
        assert 0 < seconds <= POLL
        waiting.set()
        released.wait(seconds)

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(elsewhere.get_secret_value, **ME, secret_id="db", sleep=sleep)
        assert waiting.wait(30)
        manager.put_secret_value(**THE_ENGINE, secret_id="db", value=value("v3"))
        assert not reading.done()
        lower_barrier(store)
        released.set()
        read = reading.result(30)

    assert read.value == value("v3")


def test_a_waiting_reader_holds_no_transaction(
    manager: SecretsManager, store: Store, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """While a reader waits, another process writes to the store."""
    raise_barrier(store)
    elsewhere = open_store(store_url)

    def sleep(_: float) -> None:
        lower_barrier(elsewhere)

    assert manager.get_secret_value(**ME, secret_id="db", sleep=sleep).value == value("v2")
