"""A proof finds a read barrier that is turned off, by a client that is as slow as the drain allows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from rotator.manager.results import SecretValueResult
from rotator.model.rotation import FRESH, Status
from rotator.rotation.prove.client import Client
from rotator.rotation.prove.door import RotatorDoor
from rotator.rotation.prove.logins import ClientKind, Login, Outcome
from rotator.rotation.prove.promise import Promise
from rotator.rotation.prove.tally import Tally
from rotator.sdk import Overlap, Proof, SecretValue
from tests.support.house import House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer

_DRAIN = 60.0  # seconds: any login of a test is quick enough


@dataclass
class SlowDoor:
    """Something happens between the reading of the secret and the login."""

    door: RotatorDoor
    meanwhile: Callable[[], object]

    def prepare(self) -> None:
        self.door.prepare()

    def log_in(self, value: SecretValue) -> Proof:
        self.meanwhile()
        return self.door.log_in(value)

    def close(self) -> None:
        self.door.close()


def client(
    house: House,
    name: str,
    *,
    read: Callable[[], SecretValueResult],
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Login]:
    """The logins of a client that fetches."""
    return Client(
        number=0,
        kind=ClientKind.FETCHING,
        hold=0.0,
        read=read,
        door=SlowDoor(house.engine().door(name, **ME), meanwhile),
        wait=lambda _: False,
    ).logins()


def kept(login: Login) -> bool:
    """Whether the promise of a gap was."""
    tally = Tally(Promise(overlap=Overlap.GAP, drain=_DRAIN), [ClientKind.FETCHING])
    tally.take(login)
    return tally.statistics()[0].kept


def test_without_the_barrier_a_slow_client_is_refused(house: House, pg16: DatabaseServer) -> None:
    """The rotation waits for nobody, so who read the secret just before comes too late: the promise is broken."""
    house = house.with_policy(barrier_limit=0.0, drain=_DRAIN)
    name = house.adopt(pg16, pg16.new_role())

    def rotate() -> None:
        assert house.rotate(name).status is Status.SUCCEEDED

    read = partial(house.manager.get_secret_value, **ME, secret_id=name)
    login = next(client(house, name, read=read, meanwhile=rotate))

    assert login.outcome is Outcome.REFUSED
    assert not kept(login)


def test_with_the_barrier_the_rotation_waits_for_it(house: House, pg16: DatabaseServer) -> None:
    """Who read the secret right before the barrier was raised logs in during the drain."""
    house = house.with_policy(barrier_limit=2 * _DRAIN, drain=_DRAIN)
    name = house.adopt(pg16, pg16.new_role())
    read_before = house.manager.get_secret_value(**ME, secret_id=name)
    seen: list[Login] = []

    def drain(seconds: float) -> None:
        assert seconds >= _DRAIN + FRESH  # it may have been given out so late
        seen.append(next(client(house, name, read=lambda: read_before)))

    assert house.rotate(name, engine=house.engine(sleep=drain)).status is Status.SUCCEEDED

    assert [login.outcome for login in seen] == [Outcome.ACCEPTED]
    assert kept(seen[0])
    late = next(client(house, name, read=lambda: read_before))
    assert late.outcome is Outcome.REFUSED
