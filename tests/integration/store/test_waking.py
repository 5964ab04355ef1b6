"""What makes something due sooner wakes who waits for it."""

from collections.abc import Callable

import pytest

from rotator.errors import StoreUnavailable
from rotator.manager.rotation_rules import RotationRules
from rotator.model.rotation import MachineState
from rotator.store.store import Store
from rotator.store.waking import wake
from tests.support.house import House
from tests.support.manager import ME, begin_rotation, value
from tests.support.postgres import DatabaseServer
from tests.support.store import only_postgresql, only_sqlite

_PATIENCE = 20.0
_AT_ONCE = 0.0


def _schedule(house: House, expression: str) -> None:
    rules = RotationRules(schedule_expression=expression)
    house.manager.set_rotation(**ME, secret_id="db", rotator="generic-password", rules=rules)


@only_sqlite
def test_a_sooner_moment_wakes_its_own_process(house: House) -> None:
    """A schedule wakes; a later moment and a transaction that is not kept don't."""
    woken: list[str] = []
    house.store.when_woken(lambda: woken.append("woken"))
    house.manager.create_secret(**ME, name="db", value=value("v"))
    assert not woken
    _schedule(house, "rate(10 days)")
    assert len(woken) == 1
    _schedule(house, "rate(20 days)")
    assert len(woken) == 1
    _schedule(house, "rate(1 day)")
    assert len(woken) == 2

    def fail() -> None:
        with house.store.write() as tx:
            wake(tx)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert len(woken) == 2


@only_postgresql
def test_a_sooner_moment_wakes_other_processes(
    house: House, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """A schedule is heard by another store that listens, and so is the abandonment of a rotation."""
    with open_store(store_url).listening() as listener:
        house.manager.create_secret(**ME, name="db", value=value("v"))
        assert not listener.wait(_AT_ONCE)
        _schedule(house, "rate(10 days)")
        assert listener.wait(_PATIENCE)
        _schedule(house, "rate(20 days)")
        assert not listener.wait(_AT_ONCE)
        begin_rotation(house.store, "db", token="t" * 32, state=MachineState(touched=True))
        house.manager.cancel_rotation(**ME, secret_id="db")
        assert listener.wait(_PATIENCE)


@only_postgresql
def test_a_listener_that_was_cut_off_says_so(store: Store, pg16: DatabaseServer) -> None:
    """A session that the server ends is a store that is not available, not silence."""
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN rotator_due'"
    )

    def listen() -> None:
        with store.listening() as listener:
            pg16.execute(end)
            listener.wait(_PATIENCE)

    with pytest.raises(StoreUnavailable, match=r"connection was lost|ended the session"):
        listen()
