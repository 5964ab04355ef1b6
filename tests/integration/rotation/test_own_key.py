"""A secret with a sealing key of its own keeps it through its rotations."""

from sqlalchemy import select

from rotator.model.rotation import Status
from rotator.store.tables import versions
from tests.support.house import House
from tests.support.manager import ME, row_id
from tests.support.postgres import DatabaseServer


def test_a_rotation_seals_under_the_key_that_its_secret_asks_for(
    house: House, pg16: DatabaseServer
) -> None:
    """The new value is under the alias's key, and after the alias got another one the next is under that."""
    name = house.adopt(pg16, pg16.new_role())
    first = house.manager.create_key(**ME, alias="alias/payments").key_id
    house.manager.update_secret(**ME, secret_id=name, kms_key_id="alias/payments")
    assert house.rotate(name).status is Status.SUCCEEDED
    second = house.manager.rotate_key(**ME, alias="alias/payments").key_id
    assert house.rotate(name).status is Status.SUCCEEDED
    with house.store.read() as tx:
        ours = versions.c.secret_id == row_id(tx, name)
        sealed = select(versions.c.key_id).where(ours).order_by(versions.c.created_at)
        assert list(tx.connection.execute(sealed).scalars()) == [first, first, second]
    assert house.manager.rewrap_keys(**ME).moved == 2
    assert house.rotate(name).status is Status.SUCCEEDED
