"""Rotators that make a new value and change nothing elsewhere: passwords, keys, certificates.

Only what start-up needs is imported here; `cryptography` is loaded with the first key.
"""

from rotators.generated.generic_password import GenericPassword
from rotators.generated.ssh_key import Ed25519SshKey
from rotators.generated.tls_self_signed import TlsSelfSigned
from rotators.generated.x25519_key import X25519Key

__all__ = ["Ed25519SshKey", "GenericPassword", "TlsSelfSigned", "X25519Key"]
