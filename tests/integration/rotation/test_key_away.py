"""Sealing keys that nobody gives for a while: what becomes of a rotation that needs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rotator.errors import KeyUnavailable
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Phase, Status
from rotator.rotation.report import Progress, ProgressKind
from rotator.sdk import SecretValue
from tests.support.house import ALTERNATING, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer


@contextmanager
def away(keyring: Path) -> Iterator[None]:
    """The keyring's file is on a disk that is not there."""
    elsewhere = keyring.with_name("elsewhere")
    keyring.rename(elsewhere)
    yield
    elsewhere.rename(keyring)


def test_an_abandonment_holds_where_its_values_do_not_open(
    house: House, pg16: DatabaseServer, keyring: Path
) -> None:
    """A value that was put while the old one is rotated stays what the rotation has to make way for."""
    name = house.adopt(pg16, pg16.new_role())
    theirs = SecretValue.from_json(house.fields(name))
    lost = away(keyring)

    def puts(progress: Progress) -> None:
        if (progress.phase, progress.kind) == (Phase.TEST, ProgressKind.STARTED):
            house.manager.put_secret_value(**ME, secret_id=name, value=theirs)
            lost.__enter__()

    with pytest.raises(KeyUnavailable):
        house.rotate(name, observer=puts)
    lost.__exit__(None, None, None)
    assert house.history(name)[0].status == Status.ABANDONING


def test_what_is_due_stays_due_where_its_values_do_not_open(
    house: House, pg16: DatabaseServer, keyring: Path
) -> None:
    """A rotation whose keys are away as it begins is tried again in its window, not in the next one."""
    name = house.adopt(pg16, pg16.new_role())
    house.make_due(name)
    engine = house.engine(parks=True)
    with away(keyring), pytest.raises(KeyUnavailable):
        engine.run_due(name, **ME)
    report = engine.run_due(name, **ME)
    assert report is not None
    assert report.status is Status.SUCCEEDED


def test_a_retirement_waits_for_its_keys(house: House, pg16: DatabaseServer, keyring: Path) -> None:
    """An old credential whose keys are away when its grace period ends is retired once they are back."""
    name = house.adopt(
        pg16,
        pg16.new_role(),
        rotator=ALTERNATING,
        admin=pg16.superuser,
        options=RotationOptions(grace=600),
    )
    assert house.rotate(name).status is Status.GRACE
    house.end_grace_periods()
    engine = house.engine(parks=True)
    with away(keyring), pytest.raises(KeyUnavailable):
        engine.run_due(name, **ME)
    assert house.history(name)[0].status == Status.GRACE
    report = engine.run_due(name, **ME)
    assert report is not None
    assert report.status is Status.SUCCEEDED
    assert not pg16.can_log_in(house.role(name, "AWSPREVIOUS"))
