"""The settings of `tls-self-signed`; nothing of `cryptography` is needed to read them."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.sdk import Misconfigured, RotatorSettings, setting

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


@dataclass(frozen=True, kw_only=True)
class CertificateSettings(RotatorSettings):
    """What the certificate says, and how it is stored."""

    names: tuple[str, ...] = setting(
        "DNS names and IP addresses; without them those of the current certificate", default=()
    )
    subject: str = setting(
        "a name as RFC 4514 writes it; empty: the first of the names as its common name", default=""
    )
    days: int = setting("how long it is valid, 1 to 3650", default=90)
    key_type: KeyType = setting("the kind of its key", default=KeyType.EC_P256)
    form: CertificateForm = setting(
        "json, pem (one text, the key first) or pkcs12 (bytes, without a password)",
        default=CertificateForm.JSON,
    )

    def __post_init__(self) -> None:
        """The settings are within their bounds.

        Raises:
            Misconfigured: one isn't.
        """
        if not 1 <= self.days <= _LONGEST:
            raise Misconfigured(
                f"the setting days is {self.days}", hint=f"set it to a number from 1 to {_LONGEST}"
            )
