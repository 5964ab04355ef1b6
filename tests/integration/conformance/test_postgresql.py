"""The PostgreSQL rotators pass the suite that authors of plugins get."""

import pytest

from rotator.testing.conformance import ConformanceTarget, RotatorConformance
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.conformance.targets import PostgresTarget
from tests.support.postgres import DatabaseServer


class TestSingleUser(RotatorConformance):
    """A role that changes its own password."""

    rotator = SingleUser

    @pytest.fixture
    def target(self, pg16: DatabaseServer) -> ConformanceTarget:
        return PostgresTarget(pg16, administered=False)


class TestSingleUserWithAdmin(RotatorConformance):
    """A role whose password the admin secret changes."""

    rotator = SingleUser

    @pytest.fixture
    def target(self, pg18: DatabaseServer) -> ConformanceTarget:
        return PostgresTarget(pg18, administered=True)


class TestAlternatingUsers(RotatorConformance):
    """Two roles that take turns."""

    rotator = AlternatingUsers

    @pytest.fixture
    def target(self, pg18: DatabaseServer) -> ConformanceTarget:
        return PostgresTarget(pg18, administered=True)
