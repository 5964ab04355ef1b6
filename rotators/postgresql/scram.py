"""SCRAM-SHA-256 verifiers: what the server stores instead of a password.

Sources: RFC 5802 (SCRAM), RFC 7677 (SHA-256), and the form that PostgreSQL stores, `scram_build_secret` in its
`src/common/scram-common.c`. libpq computes the same, with a much slower implementation of PBKDF2; every rotation pays
for it.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

ITERATIONS = 4096
"""What libpq uses, and PostgreSQL's own default (`scram_iterations`)."""
SALT_LENGTH = 16


def needs_preparation(password: str) -> bool:
    """Whether SASLprep (RFC 4013) might change the password; it leaves printable ASCII as it is."""
    return not (password.isascii() and password.isprintable())


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a password and a salt make (RFC 5802, section 3), in Base64.

    A client that derives them anew from the password and the salt that the server tells gets the same ones, where the
    server has `verifier`.

    Attributes:
        verifier: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, which the server stores.
        client: the key by which a client proves that it knows the password.
        server: the key by which the server proves that it has the verifier.
    """

    verifier: str
    client: str = field(repr=False)
    server: str = field(repr=False)


def keys(password: str, *, salt: bytes) -> Keys:
    """The keys of a password.

    Args:
        password: one that needs no preparation.
        salt: `SALT_LENGTH` random bytes.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    client = _hmac(salted, b"Client Key")
    stored = _base64(hashlib.sha256(client).digest())
    server = _base64(_hmac(salted, b"Server Key"))
    verifier = f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${stored}:{server}"
    return Keys(verifier=verifier, client=_base64(client), server=server)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
