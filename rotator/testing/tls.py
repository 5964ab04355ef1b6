"""The certificate that a private server proves itself with."""

from dataclasses import dataclass, field
from pathlib import Path

from rotator.testing.unprivileged import Account, give


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """PEM texts: the certificate that the server proves itself with, and its private key."""

    certificate: bytes
    private_key: bytes = field(repr=False)


def place_certificate(home: Path, account: Account | None, tls: ServerTls) -> tuple[Path, Path]:
    """Put certificate and key where the server, and nobody else, can read them; their files."""
    certificate, private_key = home / "server.crt", home / "server.key"
    private_key.touch(mode=0o600)
    certificate.write_bytes(tls.certificate)
    private_key.write_bytes(tls.private_key)
    give(certificate, account)
    give(private_key, account)
    return certificate, private_key
