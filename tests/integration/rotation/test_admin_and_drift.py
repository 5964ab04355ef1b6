"""Where the admin secret comes from, and a password that somebody else changed in the middle."""

from dataclasses import replace

import pytest
from psycopg import sql

from rotator.errors import PreflightRefused
from rotator.model.rotation import Status
from rotator.rotation.owner import Owner
from rotator.sdk import SecretValue
from tests.support.house import ALTERNATING, House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer


class Killed(BaseException):
    """The process ends here."""


def test_the_settings_alone_name_the_admin(house: House, pg16: DatabaseServer) -> None:
    """Alternating users rotate with an admin secret that only `rotation set` names, not the JSON."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    admin = house.manager.create_secret(
        **ME, name="admin", value=SecretValue.from_json(pg16.secret_value(pg16.superuser))
    )
    claimed = house.engine().claims(ALTERNATING, SecretValue.from_json(house.fields(name)))
    house.manager.set_rotation(
        **ME, secret_id=name, rotator=ALTERNATING, authority=replace(claimed, admin=admin.arn)
    )

    report = house.rotate(name)

    assert report.status is Status.SUCCEEDED, report.failure
    assert pg16.can_log_in(house.role(name))


def test_alternating_users_without_an_admin_are_refused(house: House, pg16: DatabaseServer) -> None:
    """Without any admin secret preflight says so, and how to name one; nothing is changed."""
    role = pg16.new_role()
    name = house.adopt(pg16, role, rotator=ALTERNATING)

    with pytest.raises(PreflightRefused, match="--admin"):
        house.rotate(name)

    assert pg16.can_log_in(role)
    assert set(house.labels(name)) == {"AWSCURRENT"}


def test_a_password_changed_behind_a_killed_rotation_is_diverged(
    house: House, pg16: DatabaseServer
) -> None:
    """Where no stored value logs in after a takeover, the rotation ends diverged and keeps both values."""
    role = pg16.new_role()
    name = house.adopt(pg16, role)
    gone = replace(Owner.me(), pid=2**22 + 1, started="1")

    def killed(_: float) -> None:
        raise Killed

    waiting = house.with_policy(drain=0.1)
    with pytest.raises(Killed):
        waiting.rotate(name, engine=waiting.engine(owner=gone, sleep=killed))
    pg16.execute(sql.SQL("ALTER ROLE {} PASSWORD 'by hand'").format(sql.Identifier(role.name)))

    report = house.engine().resume(name, **ME)

    assert report is not None
    assert report.status is Status.DIVERGED, report.failure
    assert set(house.labels(name)) == {"AWSCURRENT", "AWSPENDING"}
