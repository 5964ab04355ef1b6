"""What servers store of a password, and whether a password belongs to it. Compared in constant time."""

import hashlib
import hmac
import re

from rotators.mysql_protocol import ed25519
from rotators.mysql_protocol.sha256_crypt import sha256_crypt

NATIVE = "mysql_native_password"
CACHING_SHA2 = "caching_sha2_password"
SHA256 = "sha256_password"
ED25519 = "ed25519"

_CACHING_SHA2_FORM = re.compile(r"\$A\$([0-9A-F]{3})\$(.{20})(.{43})", re.DOTALL)
_SHA256_FORM = re.compile(r"\$5\$(?:rounds=(\d+)\$)?(.{1,20})\$([./0-9A-Za-z]{43})", re.DOTALL)


def native_verifier(password: str) -> str:
    """What mysql_native_password stores: SHA-1 twice."""
    once = hashlib.sha1(password.encode()).digest()  # noqa: S324 (the protocol's)
    return "*" + hashlib.sha1(once).hexdigest().upper()  # noqa: S324


def belongs(password: str, *, plugin: str, stored: str) -> bool:
    """Whether `stored` is what `plugin` stores of `password`; False for plugins that store nothing of the kind."""
    match plugin:
        case "mysql_native_password":
            return _same(native_verifier(password), stored.upper())
        case "ed25519":
            return _same(ed25519.verifier(password), stored)
        case "caching_sha2_password":
            form = _CACHING_SHA2_FORM.fullmatch(stored)
            return form is not None and _crypted(
                password, form[2], int(form[1], 16) * 1000, form[3]
            )
        case "sha256_password":
            form = _SHA256_FORM.fullmatch(stored)
            return form is not None and _crypted(password, form[2], int(form[1] or 5000), form[3])
    return False


def _crypted(password: str, salt: str, rounds: int, expected: str) -> bool:
    computed = sha256_crypt(password.encode(), salt.encode(), rounds)
    return hmac.compare_digest(computed, expected.encode())


def _same(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())
