"""What a request says of its signature, version 4, read and held against the time and this server. Pure.

The algorithm: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; where that
leaves something open, botocore's signer says what clients do. The texts of refusals are those of the real services.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from typing import NoReturn

from rotator.access.signed_request import MUST_BE_SIGNED, Service, SignedRequest
from rotator.errors import (
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    RequestExpired,
)

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
SKEW = timedelta(minutes=15)
"""How far the clocks of client and server may be apart."""
LONGEST_PRESIGNED = timedelta(days=7)

_COMPACT = "%Y%m%dT%H%M%SZ"
_COMPACT_TEXT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_KEPT = 256
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_SAID_IN_QUERY = frozenset({b"X-Amz-Signature", b"X-Amz-Algorithm"})
_QUERY_PARTS = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request says of its signature.

    Attributes:
        date: of the scope, `YYYYMMDD`; that of `at`.
        at: when it was signed.
        signed_headers: their names, sorted.
        presigned: it stands in the query.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    at: datetime
    signed_headers: tuple[str, ...]
    value: str
    session_token: str | None
    presigned: bool

    @property
    def stamp(self) -> str:
        """When it was signed, as it stands in what is signed."""
        return _stamp(self.at)


def read(request: SignedRequest, *, regions: Collection[str], now: datetime) -> Signature:
    """What a request says of its signature, which is in time and scoped to this server; it isn't verified yet.

    Raises:
        IncompleteSignature: it can't be read, or leaves out what has to be signed.
        InvalidSignature: it is scoped to another day, region or service.
        MissingAuthenticationToken: there is none.
        RequestExpired: it was made at another time.
    """
    headers, pairs = request.by_name, request.pairs
    in_query = bool(pairs) and not _SAID_IN_QUERY.isdisjoint([name for name, _ in pairs])
    if "authorization" in headers and in_query:
        raise IncompleteSignature(
            "The request is signed both in its Authorization header and in its query; sign it in one way only."
        )
    if in_query:
        signature, lasts = _presigned(pairs)
    elif "authorization" in headers:
        signature, lasts = _from_header(headers), SKEW
    else:
        raise MissingAuthenticationToken(
            "Request is missing Authentication Token"
            if request.service == "sts"
            else "Missing Authentication Token"
        )
    _refuse_unsigned(signature, headers)
    _refuse_untimely(signature.at, lasts=lasts, now=now)
    _refuse_elsewhere(signature, regions=regions, service=request.service)
    return signature


def _from_header(headers: Mapping[str, Sequence[str]]) -> Signature:
    authorization = headers["authorization"][0]
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM and algorithm.startswith("AWS4-"):
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{_shown(algorithm)}'.")
    parts = _parts(rest if algorithm == ALGORITHM else "", authorization)
    stamp = headers.get("x-amz-date") or headers.get("date")
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in _HEADER_PARTS
        if not parts.get(name)
    ]
    if stamp is None:
        missing.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if missing or stamp is None:
        _refuse_header(" ".join(missing), authorization)
    at = _moment(stamp[0], rfc="x-amz-date" not in headers)
    if at is None:
        _refuse_header(
            "Date must be in ISO-8601 'basic format'. Got something else. See http://en.wikipedia.org/wiki/ISO_8601.",
            authorization,
        )
    token = headers.get("x-amz-security-token")
    return _signature(
        parts["Credential"],
        parts["SignedHeaders"],
        at=at,
        value=parts["Signature"],
        session_token=None if token is None else token[0],
        presigned=False,
    )


def _parts(rest: str, authorization: str) -> dict[str, str]:
    """Name → value of what an Authorization header lists."""
    parts: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in rest.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            _refuse_header(
                "Invalid key=value pair (missing equal-sign) in Authorization header.",
                authorization,
            )
        if name in parts:
            _refuse_header(
                f"Authorization header has '{_shown(name)}' more than once.", authorization
            )
        parts[name] = value
    return parts


def _refuse_header(why: str, authorization: str) -> NoReturn:
    digest = b64encode(sha256(authorization.encode("utf-8", "surrogatepass")).digest()).decode()
    raise IncompleteSignature(
        f"{why} (Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
    )


def _presigned(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[Signature, timedelta]:
    given: dict[str, str] = {}
    for name, value in ((n.decode("latin-1"), v.decode("latin-1")) for n, v in pairs):
        if name.startswith("X-Amz-") and name in given:
            raise IncompleteSignature(f"The query has '{_shown(name)}' more than once.")
        given[name] = value
    if given.get("X-Amz-Algorithm") != ALGORITHM:
        raise IncompleteSignature(
            f"Unsupported AWS 'algorithm': '{_shown(given.get('X-Amz-Algorithm', ''))}'."
        )
    missing = [
        f"AWS query-string parameters must include '{name}'."
        for name in _QUERY_PARTS
        if not given.get(name)
    ]
    if missing:
        raise IncompleteSignature(f"{' '.join(missing)} Re-examine the query-string parameters.")
    at = _moment(given["X-Amz-Date"], rfc=False)
    if at is None:
        raise IncompleteSignature(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"."
        )
    signature = _signature(
        given["X-Amz-Credential"],
        given["X-Amz-SignedHeaders"],
        at=at,
        value=given["X-Amz-Signature"],
        session_token=given.get("X-Amz-Security-Token"),
        presigned=True,
    )
    return signature, _lifetime(given.get("X-Amz-Expires"))


def _lifetime(expires: str | None) -> timedelta:
    if expires is None:
        return SKEW
    longest = int(LONGEST_PRESIGNED.total_seconds())
    if re.fullmatch(r"[0-9]{1,6}", expires) is None or not 1 <= int(expires) <= longest:
        raise IncompleteSignature(
            f"X-Amz-Expires must be a number of seconds between 1 and {longest}."
        )
    return timedelta(seconds=int(expires))


def _signature(
    credential: str,
    signed_headers: str,
    *,
    at: datetime,
    value: str,
    session_token: str | None,
    presigned: bool,
) -> Signature:
    scope = credential.split("/")
    if len(scope) != 5:
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
            f"'{_shown(credential)}'"
        )
    access_key_id, date, region, service, terminator = scope
    if terminator != TERMINATOR:
        raise InvalidSignature(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{_shown(terminator)}'."
        )
    names = _names(signed_headers)
    if names is None:
        raise InvalidSignature(MISMATCH)
    return Signature(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        at=at,
        signed_headers=names,
        value=value,
        session_token=session_token,
        presigned=presigned,
    )


@lru_cache(_KEPT)  # a client names the same ones in all of its requests
def _names(signed_headers: str) -> tuple[str, ...] | None:
    """The headers that a signature names; None where they are not in lower case, sorted, each once."""
    names = signed_headers.split(";")
    return tuple(names) if names == sorted({name.lower() for name in names}) else None


@lru_cache(_KEPT)  # most requests of a moment name the same one
def _moment(text: str, *, rfc: bool) -> datetime | None:
    """The time that a header or parameter names, None where it names none; `rfc`: as HTTP's Date does."""
    try:
        compact = _COMPACT_TEXT.fullmatch(text.strip())
        if compact is not None:
            return datetime(*map(int, compact.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers
        if rfc:
            at = parsedate_to_datetime(text)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    return None


@lru_cache(_KEPT)  # most requests of a moment name the same one
def _stamp(at: datetime) -> str:
    return at.strftime(_COMPACT)


def _refuse_unsigned(signature: Signature, headers: Mapping[str, Sequence[str]]) -> None:
    if "host" not in signature.signed_headers:
        raise IncompleteSignature(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in MUST_BE_SIGNED:
        if name in headers and name not in signature.signed_headers:
            raise IncompleteSignature(
                f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )
    if not headers.keys() >= set(signature.signed_headers):
        raise InvalidSignature(MISMATCH)


def _refuse_untimely(at: datetime, *, lasts: timedelta, now: datetime) -> None:
    if at < now - lasts:
        raise RequestExpired(
            f"Signature expired: {at:{_COMPACT}} is now earlier than {now - lasts:{_COMPACT}} "
            f"({now:{_COMPACT}} - {_spelled(lasts)}.)"
        )
    if at > now + SKEW:
        raise RequestExpired(
            f"Signature not yet current: {at:{_COMPACT}} is still later than {now + SKEW:{_COMPACT}} "
            f"({now:{_COMPACT}} + {_spelled(SKEW)}.)"
        )


def _spelled(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes} min" if not seconds else f"{int(length.total_seconds())} sec"


def _refuse_elsewhere(signature: Signature, *, regions: Collection[str], service: Service) -> None:
    problems = []
    if signature.region not in regions:
        problems.append(
            f"Credential should be scoped to a valid region, not '{_shown(signature.region)}'."
        )
    if signature.service != service:
        problems.append(f"Credential should be scoped to correct service: '{service}'.")
    day = signature.stamp[:8]
    if signature.date != day:
        problems.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{_shown(signature.date)}' != '{day}', from '{signature.at:{_COMPACT}}'."
        )
    if problems:
        raise InvalidSignature(" ".join(problems))


def _shown(given: str) -> str:
    """What a client gave, as a message can have it."""
    return given[:64].encode("ascii", "backslashreplace").decode()
