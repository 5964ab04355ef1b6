"""Someone moves AWSCURRENT back to the old version, at every point of its retirement."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rotator.model.rotation import Status
from rotator.rotation.report import Report
from rotator.store.store import Store
from tests.support.effects import effects
from tests.support.house import House
from tests.support.manager import ME
from tests.support.mysql import MysqlDatabase


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_what_is_current_again_is_never_retired_unseen(
    house: House, mysql: MysqlDatabase, open_store: Callable[[str], Store], store_url: str
) -> None:
    """Before the change it is stopped and the old password lives on; after it the report tells that it is dead."""
    outside = replace(house, store=open_store(store_url))
    points, stopped = _strike(house, outside, mysql, at=0)[0], 0
    for point in range(1, points + 1):
        _, secret, report = _strike(house, outside, mysql, at=point)
        lives = mysql.can_log_in(house.role(secret))
        try:
            match report.status:
                case Status.ABANDONED:
                    stopped += 1
                    assert lives
                case Status.DIVERGED:
                    assert not lives
                case status:
                    assert status is Status.SUCCEEDED
                    assert not lives
            assert house.rotate(secret).status is Status.GRACE
            assert mysql.can_log_in(house.role(secret))
        except BaseException as error:
            error.add_note(f"at point {point} of {points}")
            raise
    assert stopped > 1


def _strike(
    house: House, outside: House, server: MysqlDatabase, *, at: int
) -> tuple[int, str, Report]:
    """The points of a retirement, in the n-th of which AWSCURRENT moves back."""
    rotator = "mysql-single-user"
    secret = house.adopt(server, server.new_account(), rotator=rotator, admin=server.superuser)
    house.rotate(secret)
    labels = house.labels(secret)
    reached = []

    def act(name: str) -> None:
        reached.append(name)
        if len(reached) == at:
            outside.manager.update_secret_version_stage(
                **ME,
                secret_id=secret,
                version_stage="AWSCURRENT",
                move_to_version_id=labels["AWSPREVIOUS"],
                remove_from_version_id=labels["AWSCURRENT"],
            )

    with effects(act, transactions=True):
        report = house.engine().retire(secret, **ME)
    assert report is not None
    return len(reached), secret, report
