"""Fixture: a real RabbitMQ broker, one for each worker's session."""

from collections.abc import Iterator

import pytest

from tests.support.certificates import new_authority
from tests.support.rabbitmq_server import HOST, Broker, running_broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """RabbitMQ with the management plugin, in plaintext and with TLS."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    authority = new_authority("rotator tests")
    ca_file, other_ca_file = folder / "ca.pem", folder / "other-ca.pem"
    ca_file.write_bytes(authority.pem)
    other_ca_file.write_bytes(new_authority("a stranger").pem)
    with running_broker(
        certificate=authority.issue("localhost", HOST),
        ca_file=ca_file,
        other_ca_file=other_ca_file,
    ) as running:
        yield running
