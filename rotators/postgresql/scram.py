"""SCRAM-SHA-256 verifiers: what the server stores instead of a password.

Sources: RFC 5802 (SCRAM), RFC 7677 (SHA-256), and the form that PostgreSQL stores, `scram_build_secret` in its
`src/common/scram-common.c`. libpq computes the same, with a much slower implementation of PBKDF2; every rotation pays
for it.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

ITERATIONS = 4096
"""What libpq uses, and PostgreSQL's own default (`scram_iterations`)."""
SALT_LENGTH = 16


def new_salt() -> bytes:
    """Random bytes for one verifier."""
    return secrets.token_bytes(SALT_LENGTH)


def needs_preparation(password: str) -> bool:
    """Whether SASLprep (RFC 4013) might change the password; it leaves printable ASCII as it is."""
    return not (password.isascii() and password.isprintable())


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a password and a verifier's salt make (RFC 5802, section 3), in Base64, as libpq takes them."""

    client: str = field(repr=False)
    server: str = field(repr=False)


def verifier(password: str, *, salt: bytes) -> str:
    """`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.

    Args:
        password: one that needs no preparation.
        salt: `SALT_LENGTH` random bytes.
    """
    client_key, server_key = _keys(password, salt)
    stored_key = hashlib.sha256(client_key).digest()
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def keys(password: str, *, salt: bytes) -> Keys:
    """By which a client proves to a server with the verifier of this salt that it knows the password."""
    client_key, server_key = _keys(password, salt)
    return Keys(client=_base64(client_key), server=_base64(server_key))


def _keys(password: str, salt: bytes) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    return _hmac(salted, b"Client Key"), _hmac(salted, b"Server Key")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
