"""The rotators of Redis, Valkey, OpenLDAP and RabbitMQ pass the suite that authors of plugins get."""

from typing import Any

import pytest
from ldap3.utils.dn import escape_rdn

from rotator.sdk import SecretValue
from rotator.testing.conformance import HOSTILE_NAMES, ConformanceTarget, RotatorConformance
from rotators.ldap import OpenldapPassword
from rotators.rabbitmq import RabbitmqUser
from rotators.redis import RedisAcl, ValkeyAcl
from tests.support.ldap_server import LdapServer, Person
from tests.support.rabbitmq_server import Broker, BrokerUser
from tests.support.redis_server import RedisServer, User


class Target(ConformanceTarget):
    """Users of one server, which its superuser changes."""

    def __init__(self, server: Any, superuser: Any) -> None:
        self._server = server
        self._superuser = superuser
        self._from = len(server.log_text())

    @property
    def admin(self) -> SecretValue | None:
        return SecretValue.from_json(self._server.secret_value(self._superuser))

    def new_credential(self, name: str) -> SecretValue:
        return SecretValue.from_json(self._server.secret_value(self.new(name)))

    def logs_in(self, value: SecretValue) -> bool:
        fields = value.fields()
        return bool(self._server.can_log_in(self.known(fields["username"], fields["password"])))

    def logged(self) -> str:
        return str(self._server.log_text()[self._from :])

    def new(self, name: str) -> object:
        """A user of this name."""
        return self._server.new_user(name=name)

    def known(self, name: str, password: str) -> object:
        """The same, for a login."""
        return User(name=name, password=password)


class LdapTarget(Target):
    """Entries of a directory."""

    def new(self, name: str) -> object:
        return self._server.new_person(rdn=f"cn={escape_rdn(name)}")

    def known(self, name: str, password: str) -> object:
        return Person(dn=name, password=password)


class RabbitmqTarget(Target):
    """Users of a broker."""

    def known(self, name: str, password: str) -> object:
        return BrokerUser(name=name, password=password)


# A user's name has no space in Redis.
WITHOUT_SPACES = tuple(name.replace(" ", "_") for name in HOSTILE_NAMES.values())


class TestRedisAcl(RotatorConformance):
    """A user whose passwords an admin changes."""

    rotator = RedisAcl
    hostile_names = WITHOUT_SPACES

    @pytest.fixture
    def target(self, redis_server: RedisServer) -> ConformanceTarget:
        return Target(redis_server, redis_server.superuser)


class TestValkeyAcl(RotatorConformance):
    """The same on Valkey."""

    rotator = ValkeyAcl
    hostile_names = WITHOUT_SPACES

    @pytest.fixture
    def target(self, valkey_server: RedisServer) -> ConformanceTarget:
        return Target(valkey_server, valkey_server.superuser)


class TestOpenldapPassword(RotatorConformance):
    """An entry whose passwords an admin changes."""

    rotator = OpenldapPassword

    @pytest.fixture
    def target(self, ldap_server: LdapServer) -> ConformanceTarget:
        return LdapTarget(ldap_server, ldap_server.admin)


class TestRabbitmqUser(RotatorConformance):
    """A user whose password an administrator sets."""

    rotator = RabbitmqUser

    @pytest.fixture
    def target(self, broker: Broker) -> ConformanceTarget:
        return RabbitmqTarget(broker, broker.superuser)
