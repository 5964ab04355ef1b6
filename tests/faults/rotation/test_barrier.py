"""The read barrier of `gap` rotations, across processes."""

from functools import partial

import pytest
from sqlalchemy import func, select

from rotator.crypto.envelope import Sealed
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.rotation import MachineState, Status
from rotator.rotation.claim import Claim
from rotator.rotation.journal import Journal
from rotator.sdk import OutcomeUnknown, Rotation
from rotator.store import tables
from rotators.postgresql import SingleUser
from tests.faults.rotation.situations import SINGLE_ALONE, stage
from tests.support.driver import Runs
from tests.support.effects import CHANGE, effects
from tests.support.house import House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer
from tests.support.waiting import eventually

_ROTATIONS = 4
_BETWEEN = 50  # fetches, each with a login, before each rotation
_DRAIN = 0.25  # seconds, the default
_NEVER = 600.0  # seconds: the barrier falls when the rotation is done, however long a busy machine takes for it


def test_clients_of_other_processes_see_no_failed_login(
    house: House, pg16: DatabaseServer, runs: Runs
) -> None:
    """Processes that fetch and log in all along while a `gap` secret rotates are never refused."""
    scene = stage(house, pg16, SINGLE_ALONE)
    clients = [runs.start(scene.secret, do="read", drain=_DRAIN) for _ in range(2)]
    patient = house.with_policy(drain=_DRAIN, barrier_limit=_NEVER)

    for _ in range(_ROTATIONS):
        # A rotation right after the other would hold them back nearly all of the time.
        assert eventually(partial(_have_fetched, house, _fetches(house) + _BETWEEN))
        assert patient.rotate(scene.secret).status is Status.SUCCEEDED
    for client in clients:
        client.signal("SIGTERM")

    accepted = 0
    for outcome in [client.wait() for client in clients]:
        assert outcome.report is not None, outcome
        assert outcome.report["refused"] == 0, outcome.report
        accepted += outcome.report["accepted"]
        assert outcome.report["values"] > 1, outcome.report
    assert accepted >= _ROTATIONS * _BETWEEN


def _have_fetched(house: House, least: int) -> bool:
    return _fetches(house) >= least


def _fetches(house: House) -> int:
    with house.store.read() as tx:
        fetched = select(func.count()).where(tables.audit.c.event == "GetSecretValue")
        return tx.connection.execute(fetched).scalar_one()


@pytest.mark.parametrize(("limit", "waits"), [(_NEVER, True), (0.0, False)], ids=["on", "off"])
def test_barrier_holds_reads_back_unless_its_limit_is_zero(
    house: House, pg16: DatabaseServer, limit: float, waits: bool
) -> None:
    """While the target changes, reads of AWSCURRENT wait; with the limit 0 they are answered at once."""
    scene = stage(house, pg16, SINGLE_ALONE)
    answers: list[object] = []

    def read(effect: str) -> None:
        if effect.startswith(CHANGE):
            answers.append(house.manager.read_secret_value(**ME, secret_id=scene.secret))

    limited = house.with_policy(barrier_limit=limit)
    with effects(read):
        assert limited.rotate(scene.secret).status is Status.SUCCEEDED

    expected = Delayed if waits else SecretValueResult
    assert [type(answer) for answer in answers] == [expected] * 3
    after = house.manager.read_secret_value(**ME, secret_id=scene.secret)
    assert isinstance(after, SecretValueResult)
    assert scene.logs_in()


def test_barrier_is_raised_once_however_often_the_change_is_sent(
    house: House, pg16: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change of unknown outcome the same run changes the target again, and holds no reader back anew."""
    scene = stage(house, pg16, SINGLE_ALONE)
    raised: list[bool] = []
    sent = SingleUser.set_secret
    opens = Journal.open

    def lost(rotator: SingleUser, rotation: Rotation) -> None:
        if rotation.attempt == 1:
            raise OutcomeUnknown("the connection was lost before the answer")
        sent(rotator, rotation)

    def opened(
        journal: Journal,
        claim: Claim,
        state: MachineState,
        *,
        sealed: Sealed | None,
        prepares: bool,
    ) -> bool:
        raised.append(opens(journal, claim, state, sealed=sealed, prepares=prepares))
        return raised[-1]

    monkeypatch.setattr(SingleUser, "set_secret", lost)
    monkeypatch.setattr(Journal, "open", opened)
    report = house.rotate(scene.secret)

    assert report.status is Status.SUCCEEDED, report.failure
    assert raised == [True, False]
