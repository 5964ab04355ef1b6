"""The example functions rotate real servers, as files on this machine and over the Lambda Invoke API."""

from rotator.model.rotation import Status
from tests.support.hosted import EXAMPLES, hosting
from tests.support.house import House
from tests.support.postgres import DatabaseServer, Role


def test_postgresql_single_user(house: House, pg16: DatabaseServer) -> None:
    """A user changes its own password: the new one logs in, the old one doesn't."""
    role = pg16.new_role()
    with hosting(house, {"pg-single": EXAMPLES / "postgresql_single_user.py"}) as hosted:
        name = hosted.adopt(pg16, role, rotator="pg-single")
        report = hosted.rotate(name)
        assert report.status is Status.SUCCEEDED, report.failure
        fields = hosted.fields(name)
        assert pg16.can_log_in(Role(name=role.name, password=fields["password"]))
        assert not pg16.can_log_in(role)
