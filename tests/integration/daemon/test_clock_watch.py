"""A clock that is set back makes nothing last longer, as long as a daemon looks at it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import NoReturn

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.daemon.clock_watch import ClockWatch
from rotator.errors import StoreUnavailable
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.model.rotation import MachineState, Phase, Status
from rotator.store import rotations, tables
from rotator.store.audit_search import AuditFilter
from rotator.store.rotation_row import RotationRow
from tests.support.clock import MovableStore
from tests.support.manager import ME, THE_ENGINE, begin_rotation, token, value
from tests.support.store import AUDIT_KEY

_BACK = timedelta(minutes=20)
_LEFT = timedelta(minutes=30)
_STATE = MachineState(phase=Phase.RETIRE, status=Status.GRACE)


@pytest.fixture
def store(store_url: str) -> Iterator[MovableStore]:
    """A store whose clock can be set."""
    opened = MovableStore.open(store_url, create=False, audit_key=AUDIT_KEY)
    yield opened
    opened.close()


@pytest.fixture
def rotation(store: MovableStore, sealer: Sealer) -> str:
    """One whose old credential has half an hour left."""
    SecretsManager(store, sealer).create_secret(**ME, name="db", value=value("v1"))
    rotation_id = begin_rotation(store, "db", token=token(2), state=_STATE)
    with store.write() as tx:
        columns = {
            "status": str(Status.GRACE),
            "next_attempt_at": tx.now + _LEFT,
            "deadline_at": tx.now + 2 * _LEFT,
            "updated_at": tx.now - _LEFT,
        }
        tx.connection.execute(update(tables.rotations).values(**columns))
    return rotation_id


@pytest.fixture
def watch(store: MovableStore) -> Iterator[ClockWatch]:
    """That of a daemon."""
    with closing(_watch(store)) as watch:
        yield watch


def _watch(store: MovableStore) -> ClockWatch:
    return ClockWatch(store, lambda: [THE_ENGINE["caller"]])


def _row(store: MovableStore, rotation_id: str) -> RotationRow:
    with store.read() as tx:
        row = rotations.get(tx, rotation_id)
        assert row is not None
        return row


def _moved(before: RotationRow, after: RotationRow) -> timedelta:
    assert before.next_attempt_at is not None
    assert after.next_attempt_at is not None
    return before.next_attempt_at - after.next_attempt_at


def test_what_is_left_stays_as_it_was(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """Grace period and deadline end when they would have, whatever the clock tells then."""
    watch.go_on()
    before = _row(store, rotation)

    store.ahead = -_BACK
    watch.go_on()

    after = _row(store, rotation)
    assert _BACK / 2 < _moved(before, after) <= _BACK
    assert before.deadline_at - after.deadline_at == _moved(before, after)
    watch.go_on()
    assert _row(store, rotation) == after


def test_a_clock_that_goes_on_changes_nothing(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """Nor does one that is set forward."""
    before = _row(store, rotation)
    watch.go_on()
    watch.go_on()
    store.ahead = _BACK
    watch.go_on()
    assert _row(store, rotation) == before


def test_a_clock_that_was_set_back_while_no_daemon_ran_is_noticed(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """The first look compares with the audit; what it did is on record, and no later daemon does it again."""
    before = _row(store, rotation)
    store.ahead = -_BACK
    watch.go_on()
    after = _row(store, rotation)
    assert _BACK / 2 < _moved(before, after) <= _BACK
    watch.close()
    with closing(_watch(store)) as successor:
        successor.go_on()
        successor.go_on()
    assert _row(store, rotation) == after
    [record] = Auditing(store).export(**ME, where=AuditFilter(event="ClockSetBack"))
    assert record.detail is not None
    assert record.detail["moved"] == 1


def test_what_a_daemon_has_followed_none_follows_again(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """A daemon that begins right after one that saw the clock set back leaves everything as it is."""
    watch.go_on()
    store.ahead = -_BACK
    watch.go_on()
    after = _row(store, rotation)
    watch.close()
    with closing(_watch(store)) as successor:
        successor.go_on()
    assert _row(store, rotation) == after


@pytest.mark.parametrize("store_engine", ["sqlite"])
def test_what_was_written_before_the_daemon_came_is_right_as_it_is(
    store: MovableStore, sealer: Sealer, rotation: str, watch: ClockWatch
) -> None:
    """Of what was written after the clock was set back the audit tells, too."""
    store.ahead = -_BACK
    SecretsManager(store, sealer).create_secret(**ME, name="since", value=value("v1"))
    with store.write() as tx:
        tx.connection.execute(
            update(tables.rotations).values(updated_at=tx.now, next_attempt_at=tx.now + _LEFT)
        )
    before = _row(store, rotation)
    watch.go_on()
    assert _row(store, rotation) == before


def test_what_was_written_since_is_right_as_it_is(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """A grace period that began after the clock was set back is not shortened."""
    watch.go_on()
    store.ahead = -_BACK
    with store.write() as tx:
        tx.connection.execute(
            update(tables.rotations).values(updated_at=tx.now, next_attempt_at=tx.now + _LEFT)
        )
    before = _row(store, rotation)
    watch.go_on()
    assert _row(store, rotation) == before


def test_a_jump_that_could_not_be_followed_is_followed_at_the_next_look(
    store: MovableStore, rotation: str, watch: ClockWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may be away just then."""
    watch.go_on()
    before = _row(store, rotation)
    store.ahead = -_BACK
    with monkeypatch.context() as away:
        away.setattr(store, "write", _away)
        with pytest.raises(StoreUnavailable):
            watch.go_on()
    watch.go_on()
    assert _BACK / 2 < _moved(before, _row(store, rotation)) <= _BACK


def _away() -> NoReturn:
    raise StoreUnavailable("away")


def test_one_of_several_daemons_moves_it(
    store: MovableStore, rotation: str, watch: ClockWatch
) -> None:
    """Two that see the same jump move what is left once."""
    other = _watch(store)
    watch.go_on()
    if store.dialect == "postgresql":
        other.go_on()
    before = _row(store, rotation)
    store.ahead = -_BACK
    watch.go_on()
    other.go_on()
    other.go_on()
    assert _BACK / 2 < _moved(before, _row(store, rotation)) <= _BACK
