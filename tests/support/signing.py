"""Requests as botocore signs them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rotator.access.signed_request import Service, SignedRequest

HOST = "secrets.example:8475"
TARGET = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "secretsmanager.GetSecretValue",
}


def signed(
    access_key_id: str,
    secret: str,
    *,
    at: datetime,
    region: str,
    service: Service = "secretsmanager",
    session_token: str | None = None,
    method: str = "POST",
    url: str = f"https://{HOST}/",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = TARGET,
    body: bytes = b"{}",
    presigned: int | None = None,
) -> SignedRequest:
    """A request under botocore's own signature, as it arrives.

    Args:
        presigned: seconds that it is good for, its signature in the query; None for one in a header.
    """
    request = AWSRequest(method=method, url=url, data=body)
    given = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in given:
        request.headers.add_header(name, value)
    credentials = Credentials(access_key_id, secret, session_token)
    signer = (
        SigV4Auth(credentials, service, region)
        if presigned is None
        else _QueryAuth(credentials, service, region, expires=presigned)
    )
    with patch("botocore.auth.get_current_datetime", lambda: at.replace(tzinfo=None)):
        signer.add_auth(request)
    parts = urlsplit(request.url)
    arrived = [(name.lower(), value) for name, value in request.headers.items()]
    return SignedRequest(
        method=method,
        path=parts.path,
        query=parts.query,
        headers=[("host", parts.netloc), *arrived],
        body=body,
        source_ip="192.0.2.7",
        secure=True,
        service=service,
    )


def with_header(request: SignedRequest, name: str, value: str) -> SignedRequest:
    """The same with another value of a header, or with one more header."""
    others = [each for each in request.headers if each[0] != name]
    return replace(request, headers=[*others, (name, value)])


def without_header(request: SignedRequest, name: str) -> SignedRequest:
    return replace(request, headers=[each for each in request.headers if each[0] != name])


class _QueryAuth(SigV4QueryAuth):  # type: ignore[misc]  # botocore has no types
    """As it is, but that the body stays the body: botocore's moves that of a JSON protocol into the query."""

    def add_auth(self, request: AWSRequest) -> None:
        request.data, body = b"", request.data
        with patch.object(AWSRequest, "body", body):
            super().add_auth(request)
