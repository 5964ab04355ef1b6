"""The MySQL and MariaDB rotators pass the suite that authors of plugins get."""

import pytest

from rotator.testing.conformance import HOSTILE_NAMES, ConformanceTarget, RotatorConformance
from rotators import mariadb as of_mariadb
from rotators import mysql as of_mysql
from tests.integration.conformance.targets import MysqlTarget
from tests.support.mysql import MysqlDatabase

# MySQL keeps 32 characters of a name, so all but the longest of them fit.
NAMES = tuple(HOSTILE_NAMES.values())


class TestMysqlSingleUser(RotatorConformance):
    """An account that keeps its old password itself."""

    rotator = of_mysql.SingleUser
    hostile_names = NAMES

    @pytest.fixture
    def target(self, mysql: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mysql, administered=False, grants="APPLICATION_PASSWORD_ADMIN ON *.*")


class TestMysqlSingleUserWithAdmin(RotatorConformance):
    """An account whose passwords the admin secret changes."""

    rotator = of_mysql.SingleUser
    hostile_names = NAMES

    @pytest.fixture
    def target(self, mysql: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mysql, administered=True)


class TestMariadbSingleUserWithAdmin(RotatorConformance):
    """An account whose methods the admin secret changes."""

    rotator = of_mariadb.SingleUser
    hostile_names = NAMES

    @pytest.fixture
    def target(self, mariadb: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mariadb, administered=True)
