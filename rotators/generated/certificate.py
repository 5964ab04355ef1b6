"""Self-signed certificates: made from what the settings ask for, and read back out of a secret. Pure."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rotator.sdk import Misconfigured, SecretValue
from rotators.generated.tls_settings import KeyType

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_CLOCKS_APART = datetime.timedelta(hours=1)
"""A certificate is valid from a while ago, for those whose clock is behind."""

_LONGEST_COMMON_NAME = 64  # RFC 5280, ub-common-name


@dataclass(frozen=True, slots=True)
class KeyAndCertificate:
    """A certificate with its private key."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> str:
        """The private key in PKCS #8."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii")

    @property
    def certificate_pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def pkcs12(self) -> bytes:
        """Both in one file without a password: the store seals it."""
        return pkcs12.serialize_key_and_certificates(
            None, self.key, self.certificate, None, serialization.NoEncryption()
        )

    def names(self) -> tuple[str, ...]:
        """The DNS names and IP addresses that it is for."""
        try:
            found = self.certificate.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value
        except x509.ExtensionNotFound:
            return ()
        addresses = (str(address) for address in found.get_values_for_type(x509.IPAddress))
        return (*found.get_values_for_type(x509.DNSName), *addresses)


def make(
    *,
    names: Sequence[str],
    subject: str,
    days: int,
    key_type: KeyType,
    now: datetime.datetime,
) -> KeyAndCertificate:
    """A new key and a certificate that it signs itself.

    Args:
        names: DNS names and IP addresses.
        subject: a name as RFC 4514 writes it; empty: the first of `names` as its common name.

    Raises:
        Misconfigured: a name can't stand in a certificate.
    """
    name, alternatives = who(names=names, subject=subject)
    key = _new_key(key_type)
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(alternatives, critical=not list(name))  # RFC 5280, 4.2.1.6
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(key), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, None if key_type is KeyType.ED25519 else hashes.SHA256())
    )
    return KeyAndCertificate(key, certificate)


def who(*, names: Sequence[str], subject: str) -> tuple[x509.Name, x509.SubjectAlternativeName]:
    """Whom a certificate is for, as it says so; `make` describes names and errors."""
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    return _subject(subject, names[0]), alternatives


def read(value: SecretValue) -> KeyAndCertificate:
    """The key and the certificate of a value: PKCS #12 bytes, PEM text, or JSON with `private_key` and `certificate`.

    Raises:
        Misconfigured: there are none, or they don't belong together.
    """
    try:
        key, certificate = _parsed(value)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = certificate = None
    if certificate is None or not isinstance(key, PrivateKey):
        raise Misconfigured("the value holds no private key with its certificate")
    if key.public_key() != certificate.public_key():
        raise Misconfigured("the certificate is not that of the private key")
    return KeyAndCertificate(key, certificate)


def _parsed(value: SecretValue) -> tuple[object, x509.Certificate | None]:
    if value.binary is not None:
        key, certificate, _ = pkcs12.load_key_and_certificates(value.binary, None)
        return key, certificate
    text = value.string or ""
    if text.startswith("-----BEGIN"):
        key_pem = certificate_pem = text
    else:
        fields = value.fields()
        key_pem, certificate_pem = str(fields.get("private_key")), str(fields.get("certificate"))
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    return key, x509.load_pem_x509_certificate(certificate_pem.encode())


def _subject(subject: str, first_name: str) -> x509.Name:
    if not subject:
        if len(first_name) > _LONGEST_COMMON_NAME:
            return x509.Name([])
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, first_name)])
    try:
        return x509.Name.from_rfc4514_string(subject)
    except ValueError:
        raise Misconfigured(
            f"the setting subject is {subject!r}, which is no name as RFC 4514 writes it",
            hint="write it like this: --setting 'subject=CN=app.example.com,O=Example'",
        ) from None


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.removeprefix("*.").split(".")
    sound = name.isascii() and all(
        label and len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum()
        for label in labels
    )
    if not sound or len(name) > 253:
        raise Misconfigured(
            f"{name!r} is neither a DNS name nor an IP address",
            hint="write names as DNS has them (xn--… where they aren't ASCII), with commas between: "
            "--setting names=app.example.com,10.0.0.7",
        )
    return x509.DNSName(name)


def _new_key(key_type: KeyType) -> PrivateKey:
    match key_type:
        case KeyType.EC_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyType.EC_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyType.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            size = int(key_type.removeprefix("rsa-"))
            return rsa.generate_private_key(public_exponent=65537, key_size=size)


def _usage(key: PrivateKey) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=isinstance(key, rsa.RSAPrivateKey),
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
