"""Signatures as botocore makes them verify; anything else is refused in the real service's words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

import pytest
from botocore.utils import percent_encode_sequence
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.access.signature import read
from rotator.access.signed_request import SignedRequest
from rotator.access.sigv4 import signing_key, verify
from rotator.errors import (
    AuthenticationFailed,
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    RequestExpired,
)
from tests.support.signing import TARGET, signed, with_header, without_header

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "eu-central-1"


def check(request: SignedRequest, *, now: datetime = NOW, secret: str = SECRET) -> None:
    """Whatever the server does with a request, for one key."""
    signature = read(request, regions={REGION, "us-east-1"}, now=now)
    key = signing_key(
        secret, date=signature.date, region=signature.region, service=signature.service
    )
    verify(request, signature, key=key)


def sign(**given: object) -> SignedRequest:
    options: dict[str, object] = {"at": NOW, "region": REGION, **given}
    return signed(ID, SECRET, **options)  # type: ignore[arg-type]


# What HTTP lets a header be, spaces of every kind within included.
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f\x85")
)
NAMES = st.from_regex(r"\Ax-[a-z0-9-]{1,12}\Z").filter(lambda name: not name.startswith("x-amz"))
PARAMETERS = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4)
SEGMENTS = st.lists(
    st.sampled_from(["v1", "", ".", "..", "a b", "ä", "%41", "~", "changes"]), max_size=5
)


@st.composite
def requests(draw: st.DrawFn) -> SignedRequest:
    """A request, and how botocore signs it."""
    presigned = draw(st.none() | st.integers(1, 604_800))
    path = "/" + "/".join(quote(segment, safe="~") for segment in draw(SEGMENTS))
    # Twice the same parameter is more than botocore's presigning knows.
    unique = dict(draw(PARAMETERS))
    query = percent_encode_sequence({k: v for k, v in unique.items() if k})
    more = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    return sign(
        method=draw(st.sampled_from(["GET", "POST"])),
        url=f"https://secrets.example:8475{path}" + (f"?{query}" if query else ""),
        headers={**TARGET, **more},
        body=draw(st.binary(max_size=64)),
        region=draw(st.sampled_from([REGION, "us-east-1"])),
        service=draw(st.sampled_from(["secretsmanager", "sts"])),
        session_token=draw(st.none() | st.just("the+token/=")),
        presigned=presigned,
    )


@settings(max_examples=60)
@given(requests())
def test_what_botocore_signs_verifies(request: SignedRequest) -> None:
    """In the header as in the query, whatever the request is."""
    check(request)


def other(text: str, at: int, by: int) -> str:
    """A text with one character changed to another printable one."""
    here = at % len(text)
    changed = chr((ord(text[here]) - 0x21 + 1 + by % 93) % 94 + 0x21)
    return text[:here] + changed + text[here + 1 :]


@st.composite
def altered(draw: st.DrawFn, request: SignedRequest) -> SignedRequest:
    """The same request with one byte of a signed part changed."""
    signature = read(request, regions={REGION, "us-east-1"}, now=NOW)
    at, by = draw(st.integers(0, 10_000)), draw(st.integers(0, 10_000))
    parts: dict[str, Callable[[], SignedRequest]] = {
        "method": lambda: replace(request, method=other(request.method, at, by)),
        "path": lambda: replace(request, path=request.path + "x"),
        "body": lambda: replace(
            request,
            body=request.body[: at % (len(request.body) + 1)]
            + bytes([by % 256])
            + request.body[at % (len(request.body) + 1) :],
        ),
    }
    for name in signature.signed_headers:
        [value] = [value for header, value in request.headers if header == name]
        if value.strip():
            parts[name] = lambda name=name, value=value: with_header(  # type: ignore[misc]
                request, name, other(value.strip(), at, by)
            )
        parts[f"no {name}"] = lambda name=name: without_header(request, name)  # type: ignore[misc]
    if request.query:
        parts["query"] = lambda: replace(
            request, query=f"{request.query}&{chr(0x41 + by % 26)}={at}"
        )
    else:
        parts["a query"] = lambda: replace(request, query=f"{chr(0x41 + by % 26)}={at}")
    return parts[draw(st.sampled_from(sorted(parts)))]()


@settings(max_examples=60)
@given(st.data())
def test_a_change_of_one_byte_is_refused(data: st.DataObject) -> None:
    """Of the method, path, query, body, or a header that is signed."""
    request = data.draw(requests())
    changed = data.draw(altered(request))

    with pytest.raises(AuthenticationFailed):
        check(changed)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_change_of_the_signature_is_refused(at: int, by: int) -> None:
    """Any character of it, also to one that is no hexadecimal digit."""
    request = sign()
    [value] = [value for name, value in request.headers if name == "authorization"]
    front, _, signature = value.rpartition("=")

    with pytest.raises(AuthenticationFailed):
        check(with_header(request, "authorization", f"{front}={other(signature, at, by)}"))


@given(st.text(), st.text())
def test_no_text_breaks_the_reading(header: str, query: str) -> None:
    """Whatever stands in the header or the query is refused as what it is, never with another error."""
    for request in (
        with_header(sign(), "authorization", header),
        with_header(sign(), "authorization", f"AWS4-HMAC-SHA256 {header}"),
        with_header(sign(), "x-amz-date", header),
        replace(without_header(sign(), "authorization"), query=query),
        replace(
            without_header(sign(), "authorization"),
            query=f"X-Amz-Algorithm=AWS4-HMAC-SHA256&{query}",
        ),
    ):
        with pytest.raises(AuthenticationFailed):
            check(request)


def test_spaces_within_a_header_are_one() -> None:
    """Proxies fold them, and so does the signature."""
    request = sign(headers={**TARGET, "x-note": "  one   two\tthree "})

    check(with_header(request, "x-note", "one two three"))


def test_a_header_that_came_twice_counts_in_the_order_in_which_it_came() -> None:
    """Joined with a comma; the other way round it is another request."""
    request = sign(headers=[*TARGET.items(), ("x-note", "a"), ("x-note", "b")])
    check(request)
    turned = [each for each in request.headers if each[0] != "x-note"]

    with pytest.raises(InvalidSignature):
        check(replace(request, headers=[*turned, ("x-note", "b"), ("x-note", "a")]))


@pytest.mark.parametrize("name", ["authorization", "x-amz-date", "x-amz-target", "host"])
def test_what_decides_comes_once(name: str) -> None:
    """Two of a header that the server acts on are refused, since another reader may take the other one."""
    request = sign()
    [value] = [value for header, value in request.headers if header == name]

    with pytest.raises(IncompleteSignature, match=f"more than one header '{name}'"):
        check(replace(request, headers=[*request.headers, (name, value)]))


@pytest.mark.parametrize("name", ["x-amz-target", "x-amz-security-token", "x-amz-content-sha256"])
def test_what_decides_is_signed(name: str) -> None:
    """A header that was put there on the way makes no other request of it."""
    request = sign(headers={})

    with pytest.raises(IncompleteSignature, match=f"'{name}' must be a 'SignedHeader'"):
        check(with_header(request, name, "anything"))


def test_an_unsigned_body_is_refused() -> None:
    """UNSIGNED-PAYLOAD is for other services: whoever sits between could put any body there."""
    request = sign(headers={**TARGET, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"})

    with pytest.raises(InvalidSignature):
        check(request)


def test_a_stated_hash_of_the_body_is_no_matter() -> None:
    """Clients that state it, as some do always, sign the same."""
    check(sign(headers={**TARGET, "x-amz-content-sha256": sha256(b"{}").hexdigest()}))


def test_the_date_may_stand_in_the_header_of_http() -> None:
    """A client that sends Date signs by it."""
    request = sign(headers={**TARGET, "Date": "anything"})
    assert "x-amz-date" not in dict(request.headers)

    check(request)


@pytest.mark.parametrize("minutes", [-15, 0, 15])
def test_clocks_may_be_a_quarter_of_an_hour_apart(minutes: int) -> None:
    """Either way, and the same request may come again meanwhile, as on the real service."""
    request = sign()

    check(request, now=NOW + timedelta(minutes=minutes))
    check(request, now=NOW + timedelta(minutes=minutes))


def test_an_old_request_has_expired() -> None:
    """A second later it is refused, with both times."""
    with pytest.raises(RequestExpired) as refused:
        check(sign(), now=NOW + timedelta(minutes=15, seconds=1))

    assert str(refused.value) == (
        "Signature expired: 20260314T150926Z is now earlier than 20260314T150927Z (20260314T152427Z - 15 min.)"
    )
    assert (refused.value.code, refused.value.query_code) == (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    )


def test_a_request_of_the_future_is_refused() -> None:
    """Likewise."""
    with pytest.raises(RequestExpired) as refused:
        check(sign(), now=NOW - timedelta(minutes=15, seconds=1))

    assert str(refused.value) == (
        "Signature not yet current: 20260314T150926Z is still later than 20260314T150925Z (20260314T145425Z + 15 min.)"
    )


def test_a_presigned_request_lasts_as_it_says() -> None:
    """Longer than a quarter of an hour where it says so, and not a second more."""
    request = sign(presigned=3600)
    check(request, now=NOW + timedelta(hours=1))

    with pytest.raises(RequestExpired):
        check(request, now=NOW + timedelta(hours=1, seconds=1))


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "1e3", "", "99999999999999999999"])
def test_a_presigned_request_lasts_a_week_at_most(expires: str) -> None:
    """X-Amz-Expires out of its limits, or no number, is refused."""
    request = sign(presigned=60)

    with pytest.raises(IncompleteSignature, match="X-Amz-Expires"):
        check(replace(request, query=request.query.replace("Expires=60", f"Expires={expires}")))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"region": "mars-1"}, "Credential should be scoped to a valid region, not 'mars-1'."),
        ({"service": "sts"}, "Credential should be scoped to correct service: 'secretsmanager'."),
    ],
)
def test_a_signature_for_another_place_is_refused(wrong: dict[str, str], why: str) -> None:
    """What was signed for another region or service is of no use here."""
    request = replace(sign(**wrong), service="secretsmanager")

    with pytest.raises(InvalidSignature) as refused:
        check(request)

    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("/20260314/", "/20260313/", "Date in Credential scope does not match"),
        ("aws4_request", "aws3_request", "valid terminator: 'aws4_request', not 'aws3_request'"),
        ("/secretsmanager/aws4_request", "", "exactly 5 slash-delimited elements"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "Unsupported AWS 'algorithm'"),
        ("Credential=", "Credentials=", "requires 'Credential' parameter"),
        ("SignedHeaders=", "", "missing equal-sign"),
        ("Signature=", "Sign=", "requires 'Signature' parameter"),
        ("host;", "", "'Host' or ':authority' must be a 'SignedHeader'"),
        (", Signature", ", Signature=x, Signature", "'Signature' more than once"),
    ],
)
def test_a_signature_that_cannot_be_read_says_why(old: str, new: str, why: str) -> None:
    """In the real service's words."""
    request = sign()
    [value] = [value for name, value in request.headers if name == "authorization"]
    assert old in value

    with pytest.raises(AuthenticationFailed, match=why):
        check(with_header(request, "authorization", value.replace(old, new)))


def test_no_signature_at_all() -> None:
    """Each service says it in its own words."""
    for service, text in (
        ("secretsmanager", "Missing Authentication Token"),
        ("sts", "Request is missing Authentication Token"),
    ):
        request = without_header(sign(service=service), "authorization")
        with pytest.raises(MissingAuthenticationToken) as refused:
            check(request)
        assert str(refused.value) == text


def test_two_signatures_are_one_too_many() -> None:
    """A request that is signed in both ways is refused, since nobody could say who sent it."""
    request = sign()
    both = replace(request, query=sign(presigned=60).query)

    with pytest.raises(IncompleteSignature, match="in one way only"):
        check(both)


def test_no_refusal_repeats_a_signature() -> None:
    """What a client put in its header by mistake, a password perhaps, isn't told to whoever reads the error."""
    with pytest.raises(IncompleteSignature) as refused:
        check(with_header(sign(), "authorization", "Basic c3dvcmRmaXNo"))

    assert "c3dvcmRmaXNo" not in str(refused.value)


def test_another_key_is_refused() -> None:
    """The text is the real service's."""
    with pytest.raises(InvalidSignature, match="does not match the signature you provided"):
        check(sign(), secret=SECRET[:-1] + "X")
