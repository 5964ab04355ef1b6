"""The settings of `tls-self-signed`; nothing of `cryptography` is needed to read them."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.sdk import Misconfigured
from rotators.generated.settings import GeneratedSettings

_LONGEST = 3650


class KeyType(StrEnum):
    """The kind of a certificate's key."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    ED25519 = "ed25519"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"


class CertificateForm(StrEnum):
    """How key and certificate stand in the secret."""

    JSON = "json"  # PEM in fields
    PEM = "pem"  # one text, the key first
    PKCS12 = "pkcs12"  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSettings(GeneratedSettings):
    """What the certificate says, and how it is stored.

    Attributes:
        names: DNS names and IP addresses, with commas between; empty: those of the current certificate.
        subject: a name as RFC 4514 writes it; empty: the first of the names as its common name.
        days: how long it is valid, 1 to 3650.
        key_type: `ec-p256`, `ec-p384`, `ed25519`, `rsa-2048`, `rsa-3072` or `rsa-4096`.
        form: `json`, `pem` (one text, the key first) or `pkcs12` (bytes, without a password).
    """

    names: str = ""
    subject: str = ""
    days: int = 90
    key_type: KeyType = KeyType.EC_P256
    form: CertificateForm = CertificateForm.JSON

    def named(self) -> tuple[str, ...]:
        """The names that are given."""
        return tuple(name.strip() for name in self.names.split(",") if name.strip())

    def check(self) -> None:
        """The bounds.

        Raises:
            Misconfigured: a setting is out of them.
        """
        if not 1 <= self.days <= _LONGEST:
            raise Misconfigured(
                f"the setting days is {self.days}", hint=f"set it to a number from 1 to {_LONGEST}"
            )
