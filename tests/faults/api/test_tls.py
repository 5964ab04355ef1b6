"""TLS: which versions and ciphers, and another certificate while it runs."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rotator.config.api import ApiSettings, ApiTlsSettings
from rotator.errors import ConfigurationError
from tests.support.api import ServedApi, served, signed
from tests.support.certificates import CertificateAuthority, new_authority
from tests.support.raw_http import answer_on, is_closed
from tests.support.waiting import eventually

HOST = "127.0.0.1"
TARGET = "secretsmanager.GetRandomPassword"


@dataclass(frozen=True, slots=True)
class Secured:
    """An API with TLS, and where its certificate lies."""

    api: ServedApi
    authority: CertificateAuthority
    folder: Path

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.pem.decode())

    def handshake(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        plain = socket.create_connection(self.api.address, timeout=30)
        return (context or self.trusting()).wrap_socket(plain, server_hostname=HOST)

    def serial(self) -> str:
        """The number of the certificate that is shown now."""
        with self.handshake() as connection:
            shown = connection.getpeercert()
            assert shown is not None
            return str(shown["serialNumber"])


def put_certificate(folder: Path, authority: CertificateAuthority) -> ApiTlsSettings:
    issued = authority.issue(HOST)
    certificate, key = folder / "tls.crt", folder / "tls.key"
    for path, content in ((certificate, issued.certificate), (key, issued.private_key)):
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.chmod(0o600)
        new.rename(path)
    return ApiTlsSettings(certificate=certificate, key=key)


@pytest.fixture(scope="module")
def secured(api: ServedApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The API with TLS on the same store."""
    folder, authority = tmp_path_factory.mktemp("tls"), new_authority("api")
    settings = ApiSettings(tls=put_certificate(folder, authority), request_time=1.0)
    with served(api.house, settings) as over_tls:
        yield Secured(over_tls, authority, folder)


def test_a_call_over_tls_is_answered(secured: Secured, tmp_path: Path) -> None:
    """boto3 with the authority as its CA bundle."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(secured.authority.pem)
    client = secured.api.client(verify=str(bundle))
    assert len(client.get_random_password(PasswordLength=12)["RandomPassword"]) == 12


def test_every_session_has_forward_secrecy(secured: Secured) -> None:
    """TLS 1.2 with an ephemeral key exchange, and TLS 1.3, which has no other."""
    old = secured.trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured.handshake(old) as connection:
        cipher = connection.cipher()
        assert connection.version() == "TLSv1.2"
        assert cipher is not None
        assert cipher[0].startswith("ECDHE-")
        assert connection.session is None or not connection.session.has_ticket
    with secured.handshake() as connection:
        assert connection.version() == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_versions_and_ciphers_are_refused(secured: Secured) -> None:
    """TLS 1.1, and a key exchange whose sessions can be read by who gets the key later."""
    older = secured.trusting()
    older.set_ciphers("ALL:@SECLEVEL=0")
    older.minimum_version = ssl.TLSVersion.TLSv1
    older.maximum_version = ssl.TLSVersion.TLSv1_1
    without = secured.trusting()
    without.maximum_version = ssl.TLSVersion.TLSv1_2
    without.set_ciphers("AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA:ECDHE-ECDSA-AES256-SHA")
    for context in (older, without):
        with pytest.raises(ssl.SSLError):
            secured.handshake(context)


def test_another_certificate_is_shown_without_a_restart(secured: Secured) -> None:
    """Files that change are read anew, and connections that are open go on; a broken pair changes nothing."""
    before = secured.serial()
    with secured.handshake() as kept:

        def answers() -> bool:
            kept.sendall(signed(secured.api, b"{}", target=TARGET))
            answer = answer_on(kept)
            return answer is not None and answer.status == 200

        assert answers()  # in time, as it has to be on a new connection
        put_certificate(secured.folder, secured.authority)
        assert eventually(lambda: secured.serial() != before)
        assert answers()
    now = secured.serial()
    (secured.folder / "tls.crt").write_text("no certificate")
    secured.api.service.reload()
    assert secured.serial() == now
    put_certificate(secured.folder, secured.authority)
    secured.api.service.reload()
    assert secured.serial() != now


def test_who_never_ends_the_handshake_is_cut_off(secured: Secured) -> None:
    """A connection that says nothing is no session, and is closed after the time for a request."""
    with socket.create_connection(secured.api.address, timeout=30) as silent:
        assert is_closed(silent)


def test_plaintext_is_no_call(secured: Secured) -> None:
    """On a port with TLS, a request without it gets no answer."""
    with socket.create_connection(secured.api.address, timeout=30) as plain:
        plain.sendall(signed(secured.api, b"{}", target=TARGET))
        assert answer_on(plain) is None


def test_a_key_that_others_may_read_is_refused(api: ServedApi, tmp_path: Path) -> None:
    """So is a pair that doesn't belong together."""
    tls = put_certificate(tmp_path, new_authority("api"))
    assert tls.key is not None
    tls.key.chmod(0o644)
    with (
        pytest.raises(ConfigurationError, match="chmod 600"),
        served(api.house, ApiSettings(tls=tls)),
    ):
        pass
    tls.key.chmod(0o600)
    tls.key.write_bytes(new_authority("other").issue(HOST).private_key)
    with (
        pytest.raises(ConfigurationError, match=r"api\.tls"),
        served(api.house, ApiSettings(tls=tls)),
    ):
        pass
