"""MariaDB's authentication by Ed25519, whose keys come from a password of any length.

It is RFC 8032 with the password in place of the 32 bytes of the private key, which no library for keys takes. The
arithmetic is not constant in time; it runs on this machine only, on passwords of one's own.
Source: MariaDB's `plugin/auth_ed25519`, RFC 8032 section 5.1.
"""

import base64
import hashlib
from typing import NamedTuple

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P


class _Point(NamedTuple):
    """Extended coordinates."""

    x: int
    y: int
    z: int
    t: int


_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
_BASE = _Point(_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
_NEUTRAL = _Point(0, 1, 1, 0)


def verifier(password: str) -> str:
    """What MariaDB stores: the public key, in base64 without its padding."""
    public_key = _encoded(_multiple(_scalar(_digest(password)[:32])))
    return base64.b64encode(public_key).decode("ascii").rstrip("=")


def signature(password: bytes, challenge: bytes) -> bytes:
    """The answer to the server's challenge, 64 bytes."""
    digest = hashlib.sha512(password).digest()
    scalar = _scalar(digest[:32])
    public_key = _encoded(_multiple(scalar))
    nonce = _number(hashlib.sha512(digest[32:] + challenge).digest()) % _ORDER
    commitment = _encoded(_multiple(nonce))
    hashed = _number(hashlib.sha512(commitment + public_key + challenge).digest())
    return commitment + ((nonce + hashed * scalar) % _ORDER).to_bytes(32, "little")


def _digest(password: str) -> bytes:
    return hashlib.sha512(password.encode()).digest()


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _scalar(half: bytes) -> int:
    return _number(half) & ~7 & ~(1 << 255) | 1 << 254


def _multiple(scalar: int) -> _Point:
    result, addend = _NEUTRAL, _BASE
    while scalar:
        if scalar & 1:
            result = _sum(result, addend)
        addend = _sum(addend, addend)
        scalar >>= 1
    return result


def _sum(p: _Point, q: _Point) -> _Point:
    """RFC 8032 section 5.1.4; it holds for doubling too."""
    a = (p.y - p.x) * (q.y - q.x) % _P
    b = (p.y + p.x) * (q.y + q.x) % _P
    c = 2 * p.t * q.t * _D % _P
    d = 2 * p.z * q.z % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return _Point(e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _encoded(point: _Point) -> bytes:
    inverse = pow(point.z, -1, _P)
    x, y = point.x * inverse % _P, point.y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")
