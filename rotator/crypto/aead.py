"""AES-256-GCM with random nonces (NIST SP 800-38D), the one cipher of the store."""

import os
import struct
from functools import cache
from typing import TYPE_CHECKING

from rotator.errors import DecryptionFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
_length = struct.Struct(">I").pack


def new_key() -> bytes:
    """A random 256-bit key."""
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, plaintext: bytes, *, bound: bytes) -> tuple[bytes, bytes]:
    """A fresh nonce, and `plaintext` sealed under `key` and tied to `bound` (associated data)."""
    cipher, _ = _library()
    nonce = os.urandom(NONCE_BYTES)
    return nonce, cipher(key).encrypt(nonce, plaintext, bound)


def decrypt(key: bytes, *, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes:
    """What `encrypt` sealed.

    Raises:
        DecryptionFailure: key, nonce, ciphertext or `bound` is not the same as then.
    """
    cipher, invalid = _library()
    try:
        return cipher(key).decrypt(nonce, ciphertext, bound)
    except (invalid, ValueError):
        raise DecryptionFailure(
            "the sealed bytes, or what they are bound to, were altered"
        ) from None


def encode(*fields: bytes) -> bytes:
    """`fields` as one byte string that no other fields give: each after its length."""
    return b"".join([_length(len(field)) + field for field in fields])


@cache
def _library() -> tuple[type["AESGCM"], type[Exception]]:
    # Imported here: commands that open no value start without the cryptographic library.
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM, InvalidTag
