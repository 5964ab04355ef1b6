"""What a transaction on the store keeps, and what time it is in it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from rotator.store.store import Store, Tx
from rotator.store.tables import sealing_check
from tests.support.store import only_sqlite

_COUNT = select(func.count()).select_from(sealing_check)

_INSERT = insert(sealing_check)


def _add(tx: Tx, key_id: str) -> None:
    tx.connection.execute(insert(sealing_check).values(key_id=key_id, wrapped_key=b"x"))


def _count(store: Store) -> int:
    with store.read() as tx:
        return tx.connection.execute(_COUNT).scalar_one()


def test_a_write_is_there_for_every_later_transaction(
    store: Store, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """What a write transaction did is read by other connections once its block has ended."""
    with store.write() as tx:
        _add(tx, "k1")
    assert _count(store) == 1
    assert _count(open_store(store_url)) == 1


def test_an_exception_undoes_the_transaction(store: Store) -> None:
    """An exception in the block passes through, and nothing of the transaction is kept."""

    def fail() -> None:
        with store.write() as tx:
            _add(tx, "k1")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fail()
    assert _count(store) == 0


def test_an_integrity_error_passes_through_and_hides_the_values(store: Store) -> None:
    """A violated constraint comes out as SQLAlchemy's IntegrityError without the parameters."""
    with store.write() as tx:
        _add(tx, "the-key-id")
    with pytest.raises(IntegrityError) as caught, store.write() as tx:
        _add(tx, "the-key-id")
    assert "the-key-id" not in str(caught.value)
    assert _count(store) == 1


@only_sqlite
def test_a_caught_error_leaves_the_transaction_whole_on_sqlite(store: Store) -> None:
    """What was written before and after a refused statement is undone together, or kept together."""

    def write(error: type[Exception] | None) -> None:
        with store.write() as tx:
            tx.execute(_INSERT, {"key_id": "before", "wrapped_key": b"x"})
            with pytest.raises(IntegrityError):
                tx.execute(_INSERT, {"key_id": "before", "wrapped_key": b"x"})
            tx.execute(_INSERT, {"key_id": "after", "wrapped_key": b"x"})
            if error is not None:
                raise error

    with pytest.raises(LookupError):
        write(LookupError)
    assert _count(store) == 0
    write(None)
    assert _count(store) == 2


@only_sqlite
def test_a_read_transaction_keeps_to_one_state_on_sqlite(store: Store) -> None:
    """A SQLite read transaction sees the store as it was at its first statement."""
    with store.read() as tx:
        before = tx.connection.execute(_COUNT).scalar_one()
        with store.write() as other:
            _add(other, "k1")
        assert tx.connection.execute(_COUNT).scalar_one() == before
    assert _count(store) == before + 1


def test_concurrent_writers_lose_nothing(store: Store) -> None:
    """Sixteen threads that read, add one and write lose no update."""

    def increment(number: int) -> None:
        for turn in range(5):
            with store.write() as tx:
                _add(tx, f"{number}-{turn}")

    threads = [threading.Thread(target=increment, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(store) == 80


def test_the_time_is_aware_and_stands_still_within_a_transaction(store: Store) -> None:
    """`now` is the present in UTC, `lease_now` is on the named clock, and both are read once."""
    with store.write() as tx:
        now, lease_now = tx.now, tx.lease_now
        assert now.tzinfo is UTC
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
        assert (tx.now, tx.lease_now) == (now, lease_now)
        epoch = tx.lease_epoch
    with store.write() as tx:
        assert tx.now > now
        assert tx.lease_now > lease_now
        assert tx.lease_epoch == epoch
