"""The rotator `x25519-key`: key pairs for a Diffie-Hellman exchange on Curve25519 (RFC 7748)."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rotator.sdk import (
    Candidate,
    Finding,
    Level,
    Misconfigured,
    Rotation,
    RotatorSettings,
    SecretValue,
    setting,
)
from rotators.generated.base import CheckedRotator, other_fields

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


class KeyForm(StrEnum):
    """How a key pair stands in the secret."""

    BASE64 = "base64"  # JSON with the 32 bytes of each key in base64, as WireGuard writes them
    PEM = "pem"  # JSON with PKCS #8 and SubjectPublicKeyInfo
    BINARY = "binary"  # the 32 bytes of the private key and nothing else


@dataclass(frozen=True, kw_only=True)
class X25519Settings(RotatorSettings):
    """How the key pair is stored."""

    form: KeyForm = setting(
        "base64 (WireGuard's), pem, or binary (the private key's 32 bytes alone)",
        default=KeyForm.BASE64,
    )


class X25519Key(CheckedRotator):
    """Makes a new key pair; in JSON as `private_key` and `public_key`, beside the fields that were there."""

    name = "x25519-key"
    summary = "A new X25519 key pair in the store: base64, PEM or binary"
    made = "key pair"
    settings_model = X25519Settings

    def findings(self, rotation: Rotation) -> Iterator[Finding]:
        """Warns where fields of the current value would go."""
        yield from super().findings(rotation)
        lost = other_fields(rotation.value(Candidate.CURRENT)).keys() - {
            "private_key",
            "public_key",
        }
        if rotation.settings.form is KeyForm.BINARY and lost:
            yield Finding(
                level=Level.WARNING,
                message=f"a binary value has no room for the fields {', '.join(sorted(lost))}",
                remedy="keep them in a secret of their own, or choose another form: --setting form=base64",
            )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new key pair in the form that the settings ask for."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        form = rotation.settings.form
        key = X25519PrivateKey.generate()
        if form is KeyForm.BINARY:
            return SecretValue(binary=key.private_bytes_raw())
        pair = _pem_pair(key) if form is KeyForm.PEM else _base64_pair(key)
        return SecretValue.from_json(other_fields(rotation.value(Candidate.CURRENT)) | pair)

    def check(self, value: SecretValue, rotation: Rotation) -> None:  # noqa: ARG002  # the form is seen
        """The public key is that of the private key."""
        key = _private_key(value)
        if value.binary is not None:
            return
        public = value.fields().get("public_key")
        if public not in {_pem_pair(key)["public_key"], _base64_pair(key)["public_key"]}:
            raise Misconfigured("the public key is not that of the private key")


def _private_key(value: SecretValue) -> "X25519PrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    if value.binary is not None:
        raw = value.binary
    else:
        text = str(value.fields().get("private_key"))
        try:
            if text.startswith("-----BEGIN"):
                key = serialization.load_pem_private_key(text.encode(), password=None)
                raw = key.private_bytes_raw() if isinstance(key, X25519PrivateKey) else b""
            else:
                raw = base64.b64decode(text, validate=True)
        except (ValueError, TypeError, binascii.Error):
            raw = b""
    if len(raw) != 32:
        raise Misconfigured("the value holds no X25519 private key")
    return X25519PrivateKey.from_private_bytes(raw)


def _base64_pair(key: "X25519PrivateKey") -> dict[str, str]:
    return {
        "private_key": base64.b64encode(key.private_bytes_raw()).decode("ascii"),
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii"),
    }


def _pem_pair(key: "X25519PrivateKey") -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization

    return {
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii"),
        "public_key": key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii"),
    }
