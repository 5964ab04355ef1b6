"""Every statement that a rotation makes finds its rows by an index too."""

from rotator.model.rotation import MachineState, Status
from rotator.store import open_rotations, rotation_events, rotations
from rotator.store.store import Store
from tests.integration.store.plans import assert_sent_indexed, has_plan, recording
from tests.support.house import ALTERNATING, House
from tests.support.manager import ALICE, ME, begin_rotation, token
from tests.support.postgres import DatabaseServer


def test_a_rotation_uses_indexes(house: House, store: Store, pg16: DatabaseServer) -> None:
    """Plan, rotation with an admin secret, verification and the look for unfinished ones read no whole table."""
    name = house.adopt(pg16, pg16.new_role(), rotator=ALTERNATING, admin=pg16.superuser)
    engine = house.engine()

    with recording() as sent:
        engine.plan(name, **ME)
        report = house.rotate(name, engine=engine)
        engine.verify(name, **ME)
        engine.resumable(caller=ALICE)

    assert report.status is Status.SUCCEEDED, report.failure
    for statement in filter(has_plan, sent):
        assert_sent_indexed(store, statement)


def test_taking_up_a_rotation_uses_indexes(
    house: House, store: Store, pg16: DatabaseServer
) -> None:
    """So do the abortion of what another process left, and its history."""
    name = house.adopt(pg16, pg16.new_role())
    left = begin_rotation(store, name, token=token(7), state=MachineState())
    with store.write() as tx:
        rotations.update_fenced(tx, left, fencing=1, columns={"lease_expires": 0.0})

    with recording() as sent:
        house.engine().abort(name, **ME)
        house.history(name)
        with store.read() as tx:
            rotation_events.load(tx, left)
            open_rotations.users_of_admin(tx, "arn")

    for statement in filter(has_plan, sent):
        assert_sent_indexed(store, statement)
