"""The rotator `tls-self-signed`: servers present its certificates, and clients that trust them connect."""

import datetime
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from rotator.sdk import Candidate, Misconfigured, Overlap, Proof, SecretValue
from rotators.generated import TlsSelfSigned
from rotators.generated.certificate import make
from rotators.generated.tls_settings import KeyType
from tests.support.rotations import attempt, preflight, rotate, rotation_of, warnings

NAMES = "app.example.com,10.0.0.7"


def made(before: SecretValue | None = None, **settings: str) -> SecretValue:
    values = {Candidate.CURRENT: before or SecretValue(string="{}")}
    return rotate(TlsSelfSigned, values, settings=settings)[Candidate.CURRENT]


def probe(value: SecretValue) -> Proof:
    with attempt(TlsSelfSigned) as rotator:
        return rotator.probe(
            rotation_of({Candidate.CURRENT: value}, kind=TlsSelfSigned), Candidate.CURRENT
        )


def pem_of(value: SecretValue, folder: Path) -> str:
    """Key and certificate in one text, by the tools of whoever uses them."""
    if value.binary is not None:
        file = folder / "bundle.p12"
        file.write_bytes(value.binary)
        command = ["openssl", "pkcs12", "-in", str(file), "-nodes", "-passin", "pass:"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text = value.string or ""
    if text.startswith("-----BEGIN"):
        return text
    return str(value.fields()["private_key"] + value.fields()["certificate"])


def handshake(server_pem: str, trusted: str, name: str, folder: Path) -> str:
    """The name of the protocol that client and server agree on. Raises what the client raises."""
    file = folder / "server.pem"
    file.write_text(server_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cadata=trusted)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(there, server_side=True) as secured:
                secured.recv(1)
        except (ssl.SSLError, ConnectionError):
            there.close()

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        with client.wrap_socket(here, server_hostname=name) as secured:
            secured.send(b"x")
            return secured.version() or ""
    finally:
        here.close()
        serving.join()


def certificate_in(pem: str) -> str:
    return pem[pem.index("-----BEGIN CERTIFICATE") :]


# Larger RSA keys only take longer.
@pytest.mark.parametrize(
    "key_type", [kind for kind in KeyType if kind not in {KeyType.RSA_3072, KeyType.RSA_4096}]
)
def test_a_client_that_trusts_it_connects(key_type: KeyType, tmp_path: Path) -> None:
    """A TLS handshake with each kind of key succeeds for the names of the certificate, and for no other name."""
    fields = made(names=NAMES, key_type=key_type).fields()
    server = fields["private_key"] + fields["certificate"]
    for name in NAMES.split(","):
        assert handshake(server, fields["certificate"], name, tmp_path).startswith("TLS")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(server, fields["certificate"], "other.example.com", tmp_path)


@pytest.mark.parametrize("form", ["json", "pem", "pkcs12"])
def test_every_form_serves(form: str, tmp_path: Path) -> None:
    """Text, fields and bytes hold the same; a binary secret is opened by `openssl pkcs12`."""
    value = made(names=NAMES, form=form)
    assert (value.binary is not None) == (form == "pkcs12")
    pem = pem_of(value, tmp_path)
    assert handshake(pem, certificate_in(pem), "app.example.com", tmp_path).startswith("TLS")
    assert probe(value) is Proof.ACCEPTED


def test_clients_trust_the_servers_before_and_after(tmp_path: Path) -> None:
    """`trusted` lets a client that has fetched the new value meet a server that still presents the old one."""
    first = made(names=NAMES)
    second = made(first)
    for value in (first, second):
        server = pem_of(value, tmp_path)
        assert handshake(server, second.fields()["trusted"], "10.0.0.7", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(pem_of(second, tmp_path), first.fields()["trusted"], "app.example.com", tmp_path)


def test_openssl_shows_what_was_asked_for(tmp_path: Path) -> None:
    """Subject, names, validity and use are those of the settings, in OpenSSL's words."""
    fields = made(
        SecretValue(string='{"owner": "payments"}'),
        names="*.example.com, 2001:db8::7",
        subject="CN=shop,O=Example",
        days="10",
    ).fields()
    file = tmp_path / "certificate.pem"
    file.write_text(fields["certificate"])
    shown = subprocess.run(
        ["openssl", "x509", "-in", file, "-noout", "-text", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "O = Example, CN = shop" in shown.replace("O=", "O = ").replace("CN=", "CN = ")
    assert "DNS:*.example.com, IP Address:2001:DB8:0:0:0:0:0:7" in shown
    assert "CA:FALSE" in shown
    assert "TLS Web Server Authentication" in shown
    assert fields["fingerprint"].upper() in shown.replace(":", "").upper()
    ends = datetime.datetime.fromisoformat(fields["not_after"])
    assert ends - datetime.datetime.now(datetime.UTC) < datetime.timedelta(days=10)
    assert fields["owner"] == "payments"


def test_a_name_too_long_for_a_common_name_has_no_subject(tmp_path: Path) -> None:
    """RFC 5280 gives a common name 64 characters; the certificate works without one."""
    name = ".".join(["a" * 30] * 3)
    fields = made(names=name).fields()
    server = fields["private_key"] + fields["certificate"]
    assert handshake(server, fields["certificate"], name, tmp_path)


def test_the_names_of_the_current_certificate_are_kept() -> None:
    """Without settings a certificate is renewed for the same names; the plan tells until when the old one is valid."""
    first = made(names=NAMES, form="pem")
    found = preflight(TlsSelfSigned, rotation_of({Candidate.CURRENT: first}, kind=TlsSelfSigned))
    assert found.overlap is Overlap.NONE
    told = " ".join(finding.message for finding in found.findings)
    assert "app.example.com, 10.0.0.7" in told
    assert "valid until" in told


def test_an_expired_certificate_is_told() -> None:
    """A probe of a value that was right once says that the certificate has expired; nobody is told to trust it."""
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
    old = make(
        names=["app.example.com"], subject="", days=10, key_type=KeyType.EC_P256, now=long_ago
    )
    value = SecretValue(string=old.key_pem + old.certificate_pem)
    with pytest.raises(Misconfigured, match="expired on"):
        probe(value)
    renewed = made(value).fields()
    assert renewed["trusted"] == renewed["certificate"]


def test_a_certificate_of_another_key_is_refused() -> None:
    """A value whose parts don't belong together is refused, and so is nonsense."""
    first, second = made(names=NAMES), made(names=NAMES)
    mixed = SecretValue.from_json(first.fields() | {"certificate": second.fields()["certificate"]})
    for value in (mixed, SecretValue(string="{}"), SecretValue(binary=b"no bundle")):
        assert probe(value) is Proof.REFUSED


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "--setting names="),
        ({"names": "not a name"}, "neither a DNS name nor an IP address"),
        ({"names": "müller.example"}, "xn--"),
        ({"names": NAMES, "days": "0"}, "1 to 3650"),
        ({"names": NAMES, "subject": "nonsense"}, "RFC 4514"),
        ({"names": NAMES, "key_type": "dsa"}, "ec-p256"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    """Preflight says which setting can't be used and what is allowed."""
    values = {Candidate.CURRENT: SecretValue(string="{}")}
    with pytest.raises(Misconfigured) as refused:
        preflight(TlsSelfSigned, rotation_of(values, kind=TlsSelfSigned, settings=settings))
    assert message in f"{refused.value.message} {refused.value.hint}"


def test_fields_without_room_are_told() -> None:
    """PEM text leaves no room for what else the value held; the plan says so before it happens."""
    values = {Candidate.CURRENT: SecretValue(string='{"owner": "payments"}')}
    found = preflight(
        TlsSelfSigned,
        rotation_of(values, kind=TlsSelfSigned, settings={"names": NAMES, "form": "pem"}),
    )
    assert "owner" in warnings(found)
