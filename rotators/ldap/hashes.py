"""Values of userPassword: how one is made, and which password one is of. Pure.

Source: RFC 3112 in the form that OpenLDAP uses, `{SCHEME}base64(digest + salt)`; slapd-passwd, the module pw-sha2.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from rotators.ldap.settings import Scheme

_VALUE = re.compile(rb"\{([^}]+)\}(.*)", re.DOTALL)
_SALTED: Mapping[str, str] = {
    "SMD5": "md5",
    "SSHA": "sha1",
    "SSHA256": "sha256",
    "SSHA384": "sha384",
    "SSHA512": "sha512",
}
_PLAIN: Mapping[str, str] = {
    "MD5": "md5",
    "SHA": "sha1",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
}


def hashed(password: str, *, scheme: Scheme, salt: bytes) -> bytes:
    """The value that is stored for a password."""
    digest = hashlib.new(_SALTED[scheme], password.encode() + salt).digest()
    return b"{%s}%s" % (scheme.encode("ascii"), base64.b64encode(digest + salt))


def salt_of(token: str) -> bytes:
    """The salt of a version's password: repetitions of a step give the same value, which no entry holds twice."""
    return hashlib.sha256(b"userPassword " + token.encode()).digest()[:16]


def is_of(value: bytes, password: str) -> bool | None:
    """Whether a stored value is of this password; None where its scheme can't be computed here."""
    match = _VALUE.fullmatch(value)
    if match is None:
        return hmac.compare_digest(value, password.encode())
    scheme = match[1].decode("latin-1").upper()
    if scheme == "CLEARTEXT":
        return hmac.compare_digest(match[2], password.encode())
    algorithm = _SALTED.get(scheme) or _PLAIN.get(scheme)
    if algorithm is None:
        return None
    try:
        stored = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        return False
    size = hashlib.new(algorithm).digest_size
    salt = stored[size:] if scheme in _SALTED else b""
    computed = hashlib.new(algorithm, password.encode() + salt).digest()
    return hmac.compare_digest(stored, computed + salt)
