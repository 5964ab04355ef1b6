"""TLS: verified, or plainly switched off; never a silent fallback."""

from pathlib import Path
from typing import Any

import pytest

from rotator.sdk import Candidate, Misconfigured, Preflight
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    current,
    preflight,
    role_of,
    rotate,
    rotation_of,
    value,
    warnings,
)
from tests.support.postgres import DatabaseServer


def checked(server: DatabaseServer, *, trust: Path | None = None, **fields: Any) -> Preflight:
    """Preflight of a fresh role whose secret has these TLS fields."""
    values = {Candidate.CURRENT: value(server, server.new_role(), **fields)}
    return preflight(SingleUser, rotation_of(values, trust=None if trust is None else str(trust)))


@pytest.mark.parametrize("ssl", [True, "true", None])
def test_configured_ca_is_used(pg_tls: DatabaseServer, ssl: bool | str | None) -> None:
    """With a configured CA the server is verified in full, also where the secret says nothing of TLS."""
    values = {Candidate.CURRENT: value(pg_tls, pg_tls.new_role(), ssl=ssl)}
    after = rotate(SingleUser, values, trust=str(pg_tls.ca_file))
    assert pg_tls.can_log_in(role_of(after[Candidate.CURRENT]))


def test_ca_of_the_secret_goes_first(pg_tls: DatabaseServer) -> None:
    """The secret's own sslrootcert is taken rather than the configured CA."""
    assert not checked(pg_tls, trust=pg_tls.other_ca_file, sslrootcert=str(pg_tls.ca_file)).refusals


def test_system_trust_store_counts_as_configured(
    pg_tls: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a CA of one's own the system's store is asked, as SSL_CERT_FILE names it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pg_tls.ca_file))
    assert not checked(pg_tls, ssl=None).refusals
    assert not checked(pg_tls, ssl=True, sslrootcert="system").refusals


def test_wrong_ca(pg_tls: DatabaseServer) -> None:
    """A certificate of another CA is refused."""
    with pytest.raises(Misconfigured, match="not signed by the configured CA"):
        checked(pg_tls, trust=pg_tls.other_ca_file)


def test_unknown_ca_with_the_systems_store(
    pg_tls: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private CA that nobody configured is not trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pg_tls.other_ca_file))
    with pytest.raises(Misconfigured, match="not signed by the configured CA"):
        checked(pg_tls, ssl=None)


def test_wrong_host_name(pg_tls: DatabaseServer) -> None:
    """A certificate for another name is refused in full verification, and passes where only the CA is verified."""
    host = pg_tls.wrong_name_host
    with pytest.raises(Misconfigured, match="certificate for another name"):
        checked(pg_tls, trust=pg_tls.ca_file, host=host)
    assert not checked(pg_tls, trust=pg_tls.ca_file, host=host, sslmode="verify-ca").refusals


def test_require_encrypts_without_a_ca(pg_tls: DatabaseServer) -> None:
    """An explicit sslmode=require is honoured: encrypted, and unverified where no CA is configured, with a warning."""
    found = checked(pg_tls, sslmode="require")
    assert not found.refusals
    assert "certificate is not verified" in warnings(found)


def test_missing_ca_file(pg_tls: DatabaseServer) -> None:
    """A CA file that isn't there is named."""
    with pytest.raises(Misconfigured, match="no CA file at /nowhere"):
        checked(pg_tls, trust=Path("/nowhere/ca.pem"))


def test_ca_file_that_is_none(pg_tls: DatabaseServer, tmp_path: Path) -> None:
    """A file that holds no certificate is a mistake of the configuration."""
    broken = tmp_path / "ca.pem"
    broken.write_text("nothing of that kind")
    with pytest.raises(Misconfigured):
        checked(pg_tls, trust=broken)


@pytest.mark.parametrize("ssl", [True, None])
def test_server_without_tls(pg: DatabaseServer, pg_tls: DatabaseServer, ssl: bool | None) -> None:
    """A server without TLS is refused with a word about "ssl": false, and no password is sent."""
    with pytest.raises(Misconfigured, match="does not offer TLS") as caught:
        checked(pg, trust=pg_tls.ca_file, ssl=ssl)
    assert '"ssl": false' in str(caught.value.hint)


def test_plaintext_only_where_it_is_said(pg: DatabaseServer) -> None:
    """With "ssl": false, and only so, the connection is plaintext."""
    cases: tuple[dict[str, Any], ...] = (
        {"ssl": False},
        {"ssl": "false", "sslmode": "disable"},
    )
    for fields in cases:
        found = checked(pg, **fields)
        assert not found.refusals
        assert "in plaintext" in warnings(found)


def test_verified_connection_is_told(pg_tls: DatabaseServer) -> None:
    """Where everything is verified preflight says so."""
    found = checked(pg_tls, trust=pg_tls.ca_file)
    assert "TLS verify-full" in [finding.message for finding in found.findings]
    assert warnings(found) == ""


def test_connections_that_are_alike_are_told_of_once(pg16: DatabaseServer) -> None:
    """Where the admin's connections are encrypted as the secret's are, one finding says so."""
    values = current(pg16, pg16.new_role(), masterarn=ADMIN_ARN)
    admin = value(pg16, pg16.superuser)
    for kind in (SingleUser, AlternatingUsers):
        found = warnings(preflight(kind, rotation_of(values, admin=admin)))
        assert found.count("in plaintext") == 1


def test_plaintext_to_a_server_that_wants_tls(pg_tls: DatabaseServer) -> None:
    """A server that takes TLS only refuses plaintext, and the hint says so."""
    with pytest.raises(Misconfigured, match=r"pg_hba\.conf") as caught:
        checked(pg_tls, ssl=False)
    assert '"ssl": true' in str(caught.value.hint)
