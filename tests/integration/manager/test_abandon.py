"""What changes from outside do to a rotation that is under way (invariant 12), at every point where it can stand."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from rotator.errors import FencedOut
from rotator.manager.manager import SecretsManager
from rotator.model.rotation import Goal, MachineState, Phase, Status
from rotator.sdk import Overlap
from rotator.store import rotations, secrets, versions
from rotator.store.store import Store
from rotator.store.tables import audit
from rotator.store.tables import secrets as secret_table
from tests.support.manager import ME, THE_ENGINE, begin_rotation, rotation, row_id, token, value
from tests.support.waiting import eventually

PENDING_TOKEN = token(2)


@dataclass(frozen=True)
class Point:
    """Where a rotation stands.

    Attributes:
        prepared: the AWSPENDING version is there.
        filled: it has its value.
        unsettled: the target may have changed.
    """

    state: MachineState
    prepared: bool
    filled: bool
    unsettled: bool


def _at(phase: Phase, **state: object) -> MachineState:
    return MachineState(phase=phase, overlap=Overlap.GAP, **state)  # type: ignore[arg-type]


POINTS = {
    "preflight": Point(_at(Phase.PREFLIGHT), prepared=False, filled=False, unsettled=False),
    "prepared": Point(_at(Phase.CREATE), prepared=True, filled=False, unsettled=False),
    "created": Point(_at(Phase.SET, created=True), prepared=True, filled=True, unsettled=False),
    "waiting": Point(
        _at(Phase.SET, created=True, status=Status.WAITING),
        prepared=True,
        filled=True,
        unsettled=False,
    ),
    "setting": Point(
        _at(Phase.SET, created=True, touched=True, dirty=True),
        prepared=True,
        filled=True,
        unsettled=True,
    ),
    "probed": Point(
        _at(Phase.SET, created=True, touched=False, dirty=True),
        prepared=True,
        filled=True,
        unsettled=True,
    ),
    "reverting": Point(
        _at(Phase.REVERT, goal=Goal.REVERT, created=True, touched=True, dirty=True),
        prepared=True,
        filled=True,
        unsettled=True,
    ),
    "abandoning": Point(
        _at(Phase.PROBE, status=Status.ABANDONING, created=True, touched=True, dirty=True),
        prepared=True,
        filled=True,
        unsettled=True,
    ),
}


def _put(manager: SecretsManager) -> None:
    manager.put_secret_value(
        **ME, secret_id="db", value=value("by hand"), client_request_token=token(3)
    )


def _cancel(manager: SecretsManager) -> None:
    manager.cancel_rotation(**ME, secret_id="db")


def _delete(manager: SecretsManager) -> None:
    manager.delete_secret(**ME, secret_id="db")


def _move(manager: SecretsManager) -> None:
    manager.update_secret_version_stage(
        **ME,
        secret_id="db",
        version_stage="AWSPREVIOUS",
        move_to_version_id=token(1),
    )


CHANGES = {"put": _put, "cancel": _cancel, "delete": _delete, "move": _move}


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
    manager.set_rotation(**ME, secret_id="db", rotator="generic")


def stand(store: Store, point: Point) -> str:
    """A rotation of the secret at a point, its barrier raised."""
    rotation_id = begin_rotation(
        store, "db", token=PENDING_TOKEN, state=point.state, prepared=point.prepared
    )
    if point.filled:
        with store.write() as tx:
            secret_id = row_id(tx, "db")
            current = versions.get(tx, secret_id=secret_id, version_id=token(1))
            assert current is not None
            assert current.sealed is not None
            versions.set_value(
                tx, secret_id=secret_id, version_id=PENDING_TOKEN, sealed=current.sealed
            )
    with store.write() as tx:
        secrets.update(
            tx,
            row_id(tx, "db"),
            barrier_raised_at=tx.now,
            barrier_until=tx.now + timedelta(seconds=30),
        )
    return rotation_id


def abandoned_events(store: Store) -> list[str | None]:
    with store.read() as tx:
        return list(
            tx.connection.execute(
                select(audit.c.version_id).where(audit.c.event == "RotationAbandoned")
            ).scalars()
        )


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_change_from_outside_abandons_the_rotation(
    manager: SecretsManager,
    store: Store,
    point: Point,
    change: Callable[[SecretsManager], None],
) -> None:
    """The owner is fenced out; where the target may have changed, the version is pinned until that is settled."""
    rotation_id = stand(store, point)

    change(manager)

    after = rotation(store, rotation_id)
    assert after.status == (Status.ABANDONING if point.unsettled else Status.ABANDONED)
    assert (after.ended_at is None) == point.unsettled
    assert after.fencing == 2
    with pytest.raises(FencedOut), store.write() as tx:
        rotations.update_fenced(tx, rotation_id, fencing=1, columns={"attempt": 2})
    with store.read() as tx:
        secret = secrets.by_id(tx, row_id(tx, "db"))
        version = versions.get(tx, secret_id=secret.id, version_id=PENDING_TOKEN)
    assert secret.barrier_until is None
    assert (version is not None and version.pinned) == point.unsettled
    already = point.state.status is Status.ABANDONING
    assert abandoned_events(store) == ([] if already else [PENDING_TOKEN])


def test_a_put_takes_pending_off(manager: SecretsManager, store: Store) -> None:
    """After a put from outside no version is AWSPENDING."""
    stand(store, POINTS["setting"])

    _put(manager)

    assert manager.describe_secret(**ME, secret_id="db").versions == {
        token(3): ("AWSCURRENT",),
        token(1): ("AWSPREVIOUS",),
    }


def test_a_put_of_a_custom_label_abandons_too(manager: SecretsManager, store: Store) -> None:
    """Any new version from outside ends the rotation, as on the real service."""
    rotation_id = stand(store, POINTS["created"])

    manager.put_secret_value(**ME, secret_id="db", value=value("x"), version_stages=["blue"])

    assert rotation(store, rotation_id).status == Status.ABANDONED


def test_a_put_that_was_answered_before_abandons_nothing(
    manager: SecretsManager, store: Store
) -> None:
    """Repeating an old request changes nothing."""
    rotation_id = stand(store, POINTS["created"])

    manager.put_secret_value(**ME, secret_id="db", value=value("v1"), client_request_token=token(1))

    assert rotation(store, rotation_id).fencing == 1


def test_a_cancel_leaves_the_labels(manager: SecretsManager, store: Store) -> None:
    """CancelRotateSecret answers with the unfinished version and leaves AWSPENDING on it."""
    stand(store, POINTS["setting"])

    cancelled = manager.cancel_rotation(**ME, secret_id="db")

    assert cancelled.version_id == PENDING_TOKEN
    versions_of = manager.describe_secret(**ME, secret_id="db").versions
    assert versions_of[PENDING_TOKEN] == ("AWSPENDING",)


def test_moving_current_to_the_pending_version_leaves_pending(
    manager: SecretsManager, store: Store
) -> None:
    """A move by hand to the version under rotation abandons it; the version then has both labels."""
    rotation_id = stand(store, POINTS["created"])

    manager.update_secret_version_stage(
        **ME,
        secret_id="db",
        version_stage="AWSCURRENT",
        move_to_version_id=PENDING_TOKEN,
        remove_from_version_id=token(1),
    )

    assert rotation(store, rotation_id).status == Status.ABANDONED
    versions_of = manager.describe_secret(**ME, secret_id="db").versions
    assert versions_of[PENDING_TOKEN] == ("AWSCURRENT", "AWSPENDING")


@pytest.mark.parametrize(
    ("who", "stage"), [(ME, "blue"), (THE_ENGINE, "AWSPREVIOUS")], ids=["custom", "engine"]
)
def test_other_moves_abandon_nothing(
    manager: SecretsManager, store: Store, who: dict[str, object], stage: str
) -> None:
    """A label of one's own, or a move by the engine, leaves the rotation running."""
    rotation_id = stand(store, POINTS["setting"])

    manager.update_secret_version_stage(
        **who,  # type: ignore[arg-type]
        secret_id="db",
        version_stage=stage,
        move_to_version_id=token(1),
    )

    assert rotation(store, rotation_id).status == Status.RUNNING


def test_the_rotations_own_put_fills_its_version(manager: SecretsManager, store: Store) -> None:
    """A put with the rotation's token and AWSPENDING is its createSecret: it goes on, nothing else moves."""
    rotation_id = stand(store, POINTS["prepared"])

    stored = manager.put_secret_value(
        **ME,
        secret_id="db",
        value=value("v2"),
        client_request_token=PENDING_TOKEN,
        version_stages=["AWSPENDING"],
    )

    assert stored.stages == ("AWSPENDING",)
    assert rotation(store, rotation_id).fencing == 1
    read = manager.get_secret_value(
        **ME, secret_id="db", version_id=PENDING_TOKEN, version_stage="AWSPENDING"
    )
    assert read.value == value("v2")


def test_a_put_that_would_skip_the_test_is_from_outside(
    manager: SecretsManager, store: Store
) -> None:
    """With the rotation's token but AWSCURRENT, a put is no step of it: testSecret comes before that label."""
    rotation_id = stand(store, POINTS["prepared"])

    manager.put_secret_value(
        **ME, secret_id="db", value=value("v2"), client_request_token=PENDING_TOKEN
    )

    assert rotation(store, rotation_id).status == Status.ABANDONED
    versions_of = manager.describe_secret(**ME, secret_id="db").versions
    assert versions_of[PENDING_TOKEN] == ("AWSCURRENT",)


@pytest.mark.parametrize("unsettled", [False, True], ids=["settled", "unsettled"])
def test_forcing_a_deletion_keeps_what_is_not_settled(
    manager: SecretsManager, store: Store, unsettled: bool
) -> None:
    """The only copy of a value that the target may have taken isn't thrown away before a probe."""
    stand(store, POINTS["setting" if unsettled else "created"])

    manager.delete_secret(**ME, secret_id="db", force_without_recovery=True)

    with store.read() as tx:
        kept = tx.connection.execute(select(secret_table.c.purge_at)).scalars().all()
        now = tx.now
    assert len(kept) == unsettled
    assert all(purge_at is not None and purge_at <= now for purge_at in kept)


def test_a_put_after_a_failed_rotation_takes_pending_off(
    manager: SecretsManager, store: Store
) -> None:
    """AWSPENDING that an ended rotation left behind goes with the next value put by hand."""
    rotation_id = stand(store, POINTS["created"])
    with store.write() as tx:
        rotations.update_fenced(
            tx, rotation_id, fencing=1, columns={"status": str(Status.UNVERIFIED)}
        )

    _put(manager)

    assert "AWSPENDING" not in {
        label
        for labels in manager.describe_secret(**ME, secret_id="db").versions.values()
        for label in labels
    }


def test_a_change_that_meets_a_takeover_waits_for_it(manager: SecretsManager, store: Store) -> None:
    """A put that comes while the rotation's owner changes abandons it under the new number; the put never fails."""
    rotation_id = stand(store, POINTS["setting"])
    with ThreadPoolExecutor(1) as threads:
        with store.write() as tx:
            rotations.take(tx, rotation(store, rotation_id), columns={"owner": "successor"})
            putting = threads.submit(_put, manager)
            assert tx.dialect == "sqlite" or eventually(lambda: _somebody_waits(store))
            assert not putting.done()
        putting.result(30)

    after = rotation(store, rotation_id)
    assert (after.status, after.fencing) == (Status.ABANDONING, 3)


def _somebody_waits(store: Store) -> bool:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with store.read() as tx:
        return bool(tx.connection.execute(waiting).scalar_one())
