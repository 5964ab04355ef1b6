"""The rotator `ed25519-ssh-key`: key pairs as `ssh-keygen -t ed25519` makes them."""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotator.sdk import (
    Candidate,
    Misconfigured,
    Rotation,
    RotatorSettings,
    SecretValue,
    setting,
)
from rotators.generated.base import CheckedRotator, other_fields

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LONGEST_COMMENT = 255


@dataclass(frozen=True, kw_only=True)
class SshKeySettings(RotatorSettings):
    """How the key pair is labelled."""

    comment: str = setting(
        "what stands behind the public key; empty: the secret's name", default=""
    )


class Ed25519SshKey(CheckedRotator):
    """Makes a new key pair in OpenSSH's formats: `private_key`, `public_key` and `fingerprint` in the secret's JSON.

    The private key has no passphrase: it is sealed in the store. Bringing the public key to the servers
    (`authorized_keys`) is left to what reads the secret.
    """

    name = "ed25519-ssh-key"
    summary = "A new Ed25519 SSH key pair in the store, in OpenSSH's formats"
    made = "SSH key pair"
    settings_model = SshKeySettings

    def check_request(self, rotation: Rotation) -> None:
        """The comment is one line."""
        _comment(rotation)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new key pair, beside the fields that were there."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        pair = _pair(Ed25519PrivateKey.generate(), comment=_comment(rotation))
        return SecretValue.from_json(other_fields(rotation.value(Candidate.CURRENT)) | pair)

    def check(self, value: SecretValue, rotation: Rotation) -> None:  # noqa: ARG002  # it speaks for itself
        """Public key and fingerprint are those of the private key."""
        fields = value.fields()
        made = _pair(_private_key(str(fields.get("private_key"))), comment="")
        public = " ".join(str(fields.get("public_key")).split(" ")[:2])
        if (public, fields.get("fingerprint")) != (made["public_key"], made["fingerprint"]):
            raise Misconfigured("the public key or its fingerprint is not that of the private key")


def _comment(rotation: Rotation) -> str:
    comment = rotation.settings.comment or rotation.secret_name
    if len(comment) > _LONGEST_COMMENT or not comment.isprintable():
        raise Misconfigured(
            "the comment of an SSH key is one line of printable text",
            hint=f"choose another, of {_LONGEST_COMMENT} characters at most: --setting comment=TEXT",
        )
    return comment


def _private_key(text: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        key = load_ssh_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured("the value holds no Ed25519 private key in OpenSSH's format")
    return key


def _pair(key: "Ed25519PrivateKey", *, comment: str) -> dict[str, str]:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import ssh_key_fingerprint

    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode("ascii")
    )
    digest = ssh_key_fingerprint(key.public_key(), hashes.SHA256())
    return {
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        ).decode("ascii"),
        "public_key": f"{public} {comment}".rstrip(),
        "fingerprint": f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}",
    }
