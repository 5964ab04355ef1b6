"""Fixture: a real OpenLDAP server, one for each worker's session."""

from collections.abc import Iterator

import pytest

from tests.support.certificates import new_authority
from tests.support.debian_slapd import slapd
from tests.support.ldap_server import HOST, LdapServer, running_slapd


@pytest.fixture(scope="session")
def ldap_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    """Slapd with TLS, password policies and the module of SHA-2."""
    folder = tmp_path_factory.mktemp("ldap")
    authority = new_authority("rotator tests")
    ca_file, other_ca_file = folder / "ca.pem", folder / "other-ca.pem"
    ca_file.write_bytes(authority.pem)
    other_ca_file.write_bytes(new_authority("a stranger").pem)
    with running_slapd(
        slapd(),
        certificate=authority.issue("localhost", HOST),
        ca_file=ca_file,
        other_ca_file=other_ca_file,
    ) as server:
        yield server
