"""The API of a store, served in a thread of the test's own process, and clients of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from rotator.access.authentication import Authenticator
from rotator.access.credentials import brought_along
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts
from rotator.api.rotations import Rotations
from rotator.api.service import ApiService
from rotator.api.serving import listening
from rotator.config.api import ApiSettings
from rotator.errors import ResourceExists
from tests.support.house import House
from tests.support.manager import ACCOUNT, ME, REGION

HOST = "127.0.0.1"
ABROAD = "us-east-1"
EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"},
    }
)
"""The policy of an administrator."""
UNHURRIED = ApiSettings(refusals_per_second_of_address=0.0)
"""No test is slowed down for what others refuse."""
KEYS = Credentials("AKIAEXAMPLEEXAMPLE00", "s3cret-access-key-of-alice-0123456789abc")


@dataclass(frozen=True, slots=True)
class ServedApi:
    """An API that answers."""

    house: House
    service: ApiService

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def address(self) -> tuple[str, int]:
        return self.service.host, self.service.port

    def client(
        self,
        service: str = "secretsmanager",
        *,
        region: str = REGION,
        verify: str | None = None,
    ) -> Any:
        """A client of it; see `client_of`."""
        return client_of(self.url, service, region=region, verify=verify)


def client_of(
    url: str, service: str = "secretsmanager", *, region: str = REGION, verify: str | None = None
) -> Any:
    """A boto3 client with nothing changed but the endpoint; it tries each call once.

    Args:
        verify: the file of the authorities that it trusts.
    """
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
        config=Config(retries={"total_max_attempts": 1}),
        verify=verify,
    )


@contextmanager
def served(
    house: House, settings: ApiSettings | None = None, *, host: str = HOST
) -> Iterator[ServedApi]:
    """The API on a house's store until the block ends."""
    rotations = Rotations(house.manager, house.engine(parks=True))
    parts = ApiParts(
        rooms=Rooms(manager=house.manager, rotations=rotations),
        authenticator=Authenticator(house.store, house.sealer, regions=frozenset({REGION, ABROAD})),
        account=ACCOUNT,
        region=REGION,
    )
    know_alice(house)
    listener = listening(host, 0, setting="the test")
    service = ApiService(parts, settings or UNHURRIED, listener)
    service.start()
    try:
        yield ServedApi(house, service)
    finally:
        service.stop()


def know_alice(house: House) -> None:
    """Has a principal with the access key of the tests, once a store."""
    with suppress(ResourceExists):
        house.manager.create_principal(**ME, principal="alice", policies={"all": EVERYTHING})
        given = brought_along(KEYS.access_key, KEYS.secret_key)
        house.manager.create_access_key(**ME, principal="alice", given=given)


def signed(
    api: ServedApi,
    body: bytes,
    *,
    target: str,
    extra: Sequence[tuple[str, str]] = (),
    length: bool = True,
) -> bytes:
    """A signed request as bytes.

    Args:
        extra: further headers, which are not signed.
        length: with a Content-Length.
    """
    host, port = api.address
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"http://{host}:{port}/", headers=headers, data=body)
    SigV4Auth(KEYS, "secretsmanager", REGION).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    lines.insert(0, f"Host: {host}:{port}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in extra]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body
