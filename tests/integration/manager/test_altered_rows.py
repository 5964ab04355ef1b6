"""A row that somebody altered in the store is refused by name, and delays nobody for long."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from rotator.errors import DecryptionFailure, RowAltered
from rotator.store.secrets import Barrier
from rotator.store.tables import secrets
from tests.support.house import House
from tests.support.manager import ME, value


def test_a_row_under_another_name_is_refused(house: House) -> None:
    """Whoever renames the row of one secret to the name of another gets neither its value nor its description."""
    house.manager.create_secret(**ME, name="mine", value=value("my own"))
    with house.store.write() as tx:
        tx.connection.execute(update(secrets).values(name="theirs"))
    with pytest.raises(RowAltered, match=r"The row of the secret theirs .* was altered") as refusal:
        house.manager.get_secret_value(**ME, secret_id="theirs")
    assert isinstance(refusal.value, DecryptionFailure)
    with pytest.raises(RowAltered, match="rotate audit verify"):
        house.manager.describe_secret(**ME, secret_id="theirs")


def test_no_barrier_outlasts_the_longest_limit() -> None:
    """A barrier whose end was put off falls a minute after it was raised."""
    raised_at = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    barrier = Barrier(raised_at=raised_at, until=raised_at + timedelta(days=1000))
    assert barrier.remaining(raised_at) == 60.0
    assert barrier.remaining(raised_at + timedelta(seconds=60)) == 0.0
