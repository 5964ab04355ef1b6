"""The store, the targets, the daemons and the secrets of a run of chaos, and what has to hold after it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import StoreUnavailable
from rotator.manager.auditing import Auditing
from rotator.manager.call import Call
from rotator.manager.rotation_rules import RotationRules
from rotator.model.rotation import Status
from rotator.store import schema, tables
from rotator.store.store import Store
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.chaos.trouble import Place, Trouble
from tests.support.daemons import DaemonProcess, Daemons, daemons_on
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer
from tests.support.store import AUDIT_KEY, postgresql_url
from tests.support.tcp_proxy import TcpProxy, running_proxy
from tests.support.waiting import eventually

DAEMONS = 3
_SETTINGS = {
    "ROTATOR_ROTATION_LEASE": "4",
    "ROTATOR_ROTATION_STEP_LIMIT": "3",
    "ROTATOR_RETRY_ATTEMPTS": "100",
    "ROTATOR_RETRY_REVERTS": "100",
    "ROTATOR_RETRY_CAP": "2",
    "ROTATOR_DAEMON_WORKERS": "8",
    "ROTATOR_DAEMON_POLL": "1",
}
_ON_REQUEST = RotationRules(schedule_expression="rate(900 days)")
_HEALING = 400.0  # seconds
_PAUSE = (0.1, 1.0)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was seen.

    Attributes:
        wrong: what does not hold; nothing where all is well.
        taken_over: rotations that were claimed more than once.
        trouble: how often each kind of it was made.
    """

    wrong: tuple[str, ...]
    secrets: int
    rounds: int
    rotations: int
    taken_over: int
    trouble: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        trouble = ", ".join(f"{count} times {kind}" for kind, count in sorted(self.trouble.items()))
        return (
            f"{self.secrets} secrets, {DAEMONS} daemons, {self.seconds:.0f} s of trouble ({trouble}): "
            f"{self.rounds} times due, {self.rotations} rotations, {self.taken_over} of them taken over; "
            + ("; ".join(self.wrong) or "each due rotation happened once, every AWSCURRENT logs in")
        )


@dataclass(frozen=True, kw_only=True)
class _Scene:
    target: DatabaseServer
    house: House
    names: tuple[str, ...]
    trouble: Trouble


def chaos(*, secrets: int, seconds: float, seed: int) -> Outcome:
    """Makes all secrets due, again whenever all are rotated, with trouble all the while; then looks at everything."""
    random = Random(seed)
    with _scene(secrets, random) as scene:
        began, rounds = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            rounds += 1
            _once_it_is_back(partial(_make_due, scene))
            while time.monotonic() - began < seconds and not _are_done(scene, rounds):
                scene.trouble.one()
                time.sleep(random.uniform(*_PAUSE))
        troubled = time.monotonic() - began
        scene.trouble.end_what_is_over(all_of_it=True)
        eventually(partial(_are_done, scene, rounds), timeout=_HEALING)
        return Outcome(
            wrong=tuple(_wrong(scene, rounds)),
            secrets=secrets,
            rounds=rounds,
            rotations=sum(len(scene.house.history(name)) for name in scene.names),
            taken_over=sum(_taken_over(scene.house, name) for name in scene.names),
            trouble=dict(scene.trouble.done),
            seconds=troubled,
        )


def _wrong(scene: _Scene, rounds: int) -> Iterator[str]:
    for name in scene.names:
        statuses = [row.status for row in scene.house.history(name)]
        if statuses != [Status.SUCCEEDED] * rounds:
            yield f"{name}, which was due {rounds} times, has the rotations {statuses}"
        if not scene.target.can_log_in(scene.house.role(name)):
            yield f"{name}: AWSCURRENT doesn't log in"
    found = Auditing(scene.house.store).verify(**ME)
    if found.faults:
        yield f"the audit has {len(found.faults)} faults, the first: {found.faults[0]}"


def _taken_over(house: House, name: str) -> int:
    """A claim of a rotation makes the fencing number one more, and so does the beginning of one."""
    numbers = [0, *sorted(row.fencing for row in house.history(name))]
    return sum(later - earlier > 1 for earlier, later in pairwise(numbers))


def _are_done(scene: _Scene, rounds: int) -> bool:
    """Whether every secret was rotated as often as it was due; not where the store is away."""
    rows = tables.rotations
    succeeded = select(func.count()).where(rows.c.status == Status.SUCCEEDED)
    try:
        with scene.house.store.read() as tx:
            return bool(tx.execute(succeeded).scalar_one() >= rounds * len(scene.names))
    except StoreUnavailable:
        return False


def _make_due(scene: _Scene) -> None:
    """All at once, or none where the store is away."""
    with scene.house.store.write() as tx:
        columns = {
            "due_at": tx.now,
            "window_start": tx.now - timedelta(minutes=1),
            "window_end": tx.now + timedelta(hours=2),
        }
        for name in scene.names:
            call = Call(event="RotateSecret", **ME, secret_id=name)
            call.change(tx, call.find(tx, for_update=True), columns)


def _once_it_is_back(act: Callable[[], None]) -> None:
    """Does something in the store once it has recovered from a crash; no other one happens meanwhile."""

    def done() -> bool:
        try:
            act()
        except StoreUnavailable:
            return False
        return True

    assert eventually(done, timeout=_HEALING), "the store did not come back"


@contextmanager
def _scene(secrets: int, random: Random) -> Iterator[_Scene]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        binaries = embedded_binaries(16)
        target = DatabaseServer(server=stack.enter_context(running_postgres(binaries)))
        store_server = DatabaseServer(server=stack.enter_context(running_postgres(binaries)))
        url = _new_store(store_server)
        keyring = folder / "keyring.json"
        create_keyring(keyring)
        store = stack.enter_context(
            closing(Store.open(url(None), create=False, audit_key=AUDIT_KEY))
        )
        house = House(store, Sealer(FileKeyProvider(keyring)))
        names = tuple(_secret(house, target, number) for number in range(secrets))
        daemons = stack.enter_context(
            daemons_on(folder / "home", store_url=url(None), keyring=keyring, **_SETTINGS)
        )
        places = []
        for _ in range(DAEMONS):
            address = (store_server.host, store_server.port)
            network = stack.enter_context(running_proxy(address))
            places.append(Place(network, _launch(daemons, url, network)))
        trouble = Trouble(
            random=random,
            store_server=store_server,
            places=places,
            launch=partial(_launch, daemons, url),
        )
        yield _Scene(target=target, house=house, names=names, trouble=trouble)


def _new_store(server: DatabaseServer) -> Callable[[TcpProxy | None], str]:
    """How its URL is, directly or through a proxy."""
    role = server.new_role("store")
    dbname = server.new_database(owner=role)

    def url(network: TcpProxy | None) -> str:
        address = None if network is None else (network.host, network.port)
        return postgresql_url(server, role, dbname=dbname, address=address)

    store = Store.connect(url(None), create=True, audit_key=AUDIT_KEY)
    schema.upgrade(store)
    store.begin_audit()
    store.close()
    return url


def _launch(
    daemons: Daemons, url: Callable[[TcpProxy | None], str], network: TcpProxy
) -> DaemonProcess:
    return daemons.launch(ROTATOR_STORE_URL=url(network))


def _secret(house: House, target: DatabaseServer, number: int) -> str:
    """Every third one takes turns between two users."""
    takes_turns = number % 3 == 0
    name = house.adopt(
        target,
        target.new_role(),
        rotator=ALTERNATING if takes_turns else SINGLE,
        admin=target.superuser if takes_turns else None,
    )
    house.manager.set_rotation(**ME, secret_id=name, rules=_ON_REQUEST)
    return name
