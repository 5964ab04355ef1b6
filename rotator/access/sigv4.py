"""Signatures of requests, version 4, verified. Pure: the key comes in as an argument.

The algorithm: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hmac
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from rotator.access.signature import ALGORITHM, MISMATCH, TERMINATOR, Signature
from rotator.access.signed_request import SignedRequest
from rotator.errors import InvalidSignature

_KEPT = 64


def verify(request: SignedRequest, signature: Signature, *, key: bytes) -> None:
    """Nothing, where the signature is that of the request under a key.

    Args:
        key: as `signing_key` derives it for the signature's scope.

    Raises:
        InvalidSignature: it is not.
    """
    to_sign = "\n".join(
        (
            ALGORITHM,
            signature.stamp,
            f"{signature.date}/{signature.region}/{signature.service}/{TERMINATOR}",
            sha256(_canonical(request, signature).encode("utf-8", "surrogatepass")).hexdigest(),
        )
    )
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signature.value.encode("utf-8", "surrogatepass")):
        raise InvalidSignature(MISMATCH)


def signing_key(secret_access_key: str, *, date: str, region: str, service: str) -> bytes:
    """What a day's requests to a service in a region are signed with."""
    key = b"AWS4" + secret_access_key.encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical(request: SignedRequest, signature: Signature) -> str:
    headers = request.by_name
    lines = [
        name + ":" + ",".join([" ".join(value.split()) for value in headers.get(name, ())])
        for name in signature.signed_headers
    ]
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request),
            *lines,
            "",
            ";".join(signature.signed_headers),
            # What was really sent, whatever x-amz-content-sha256 says: a body is never taken unsigned.
            sha256(request.body).hexdigest(),
        )
    )


@lru_cache(_KEPT)
def _canonical_path(path: str) -> str:
    return quote(_normalised(path), safe="/~")


def _normalised(path: str) -> str:
    """A path without empty and dot segments: RFC 3986, section 5.2.4."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _canonical_query(request: SignedRequest) -> str:
    if not request.query:
        return ""
    encoded = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in request.pairs
        if name != b"X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)
