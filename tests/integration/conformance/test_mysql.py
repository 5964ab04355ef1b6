"""The MySQL and MariaDB rotators pass the suite that authors of plugins get."""

import pytest

from rotator.testing.conformance import HOSTILE_NAMES, ConformanceTarget, RotatorConformance
from rotators import mariadb as of_mariadb
from rotators import mysql as of_mysql
from tests.integration.conformance.targets import MysqlTarget
from tests.support.mysql import MysqlDatabase

# MySQL keeps 32 characters of a name; with the suffix of a clone and what makes them unique these fit.
SHORT_NAMES = tuple(name for name in HOSTILE_NAMES.values() if len(name) <= 20)


class TestMysqlSingleUser(RotatorConformance):
    """An account that keeps its old password itself."""

    rotator = of_mysql.SingleUser

    @pytest.fixture
    def target(self, mysql: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mysql, administered=False, grants="APPLICATION_PASSWORD_ADMIN ON *.*")


class TestMysqlSingleUserWithAdmin(RotatorConformance):
    """An account whose passwords the admin secret changes."""

    rotator = of_mysql.SingleUser

    @pytest.fixture
    def target(self, mysql: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mysql, administered=True)


class TestMariadbSingleUserWithAdmin(RotatorConformance):
    """An account whose methods the admin secret changes."""

    rotator = of_mariadb.SingleUser

    @pytest.fixture
    def target(self, mariadb: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mariadb, administered=True)


class TestMysqlAlternatingUsers(RotatorConformance):
    """Two accounts that take turns."""

    rotator = of_mysql.AlternatingUsers
    hostile_names = SHORT_NAMES

    @pytest.fixture
    def target(self, mysql: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mysql, administered=True)


class TestMariadbAlternatingUsers(RotatorConformance):
    """Two accounts that take turns."""

    rotator = of_mariadb.AlternatingUsers

    @pytest.fixture
    def target(self, mariadb: MysqlDatabase) -> ConformanceTarget:
        return MysqlTarget(mariadb, administered=True)
