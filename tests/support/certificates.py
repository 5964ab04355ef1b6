"""Certificates for the servers under test, made anew in each run; none lies in the repository."""

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rotator.testing.tls import ServerTls

_USES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
_LIFETIME = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A private authority that clients can be told to trust."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names: str) -> ServerTls:
        """A certificate for host names and IP addresses, with its key; a client may have it too."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(names[0]), self.certificate.subject, private_key)
            .add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage(_USES), False)
            .sign(self.private_key, hashes.SHA256())
        )
        return ServerTls(
            certificate=certificate.public_bytes(serialization.Encoding.PEM),
            private_key=private_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )


def new_authority(name: str) -> CertificateAuthority:
    """A self-signed authority."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(name), _name(name), private_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(private_key, hashes.SHA256())
    )
    return CertificateAuthority(certificate, private_key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFETIME)
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
