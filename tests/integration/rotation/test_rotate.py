"""A rotation from end to end, on real servers and on both stores."""

from rotator.model.rotation import Status
from tests.support.house import ALTERNATING, House
from tests.support.postgres import DatabaseServer


def test_single_user_rotation_moves_the_labels_and_the_password(
    house: House, pg: DatabaseServer
) -> None:
    """A single-user rotation ends with the new password in AWSCURRENT and at the server, and the old one refused."""
    role = pg.new_role()
    name = house.adopt(pg, role)
    before = house.labels(name)

    report = house.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    after = house.labels(name)
    assert after == {"AWSCURRENT": report.token, "AWSPREVIOUS": before["AWSCURRENT"]}
    assert report.labels_after == after
    assert pg.can_log_in(house.role(name))
    assert not pg.can_log_in(role)


def test_alternating_rotation_keeps_the_old_user(house: House, pg: DatabaseServer) -> None:
    """Alternating users take turns: after each rotation both the new and the old user log in."""
    role = pg.new_role()
    name = house.adopt(pg, role, rotator=ALTERNATING, admin=pg.superuser)

    names = []
    for _ in range(3):
        report = house.rotate(name)
        assert report.status is Status.SUCCEEDED, report.failure
        assert pg.can_log_in(house.role(name))
        assert pg.can_log_in(house.role(name, "AWSPREVIOUS"))
        names.append(house.role(name).name)

    assert names == [f"{role.name}_clone", role.name, f"{role.name}_clone"]
