"""The API of a store, served in a thread of the test's own process, and clients of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from rotator.access.sigv4 import SignedRequest
from rotator.api.app import Api
from rotator.api.operations.operation import Rooms
from rotator.api.parts import ApiParts
from rotator.api.rotations import Rotations
from rotator.api.serving import ApiServer, listening
from rotator.model.caller import Caller, CallerKind
from tests.support.house import House
from tests.support.manager import ACCOUNT, REGION

HOST = "127.0.0.1"


class Trusting:
    def authenticate(self, request: SignedRequest) -> Caller:
        scope = dict(request.headers)["authorization"].split("Credential=")[1].split("/")
        return Caller(kind=CallerKind.LOCAL, name="alice", account=ACCOUNT, region=scope[2])

    def record_refusal(self, *_: Any, **__: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class ServedApi:
    """An API that answers."""

    house: House
    url: str

    def client(self, service: str = "secretsmanager", *, region: str = REGION, **more: Any) -> Any:
        """A boto3 client with nothing changed but the endpoint; it tries each call once."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="AKIAEXAMPLEEXAMPLE00",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, **more),
        )


@contextmanager
def served(house: House) -> Iterator[ServedApi]:
    """The API on a house's store until the block ends."""
    engine = house.engine(parks=True)
    rotations = Rotations(house.manager, engine)
    app = Api(
        ApiParts(
            rooms=Rooms(manager=house.manager, rotations=rotations),
            authenticator=Trusting(),
            account=ACCOUNT,
            region=REGION,
        )
    )
    server = ApiServer(app, listening(HOST, 0, setting="the test"))
    server.start()
    try:
        yield ServedApi(house, server.url)
    finally:
        server.stop()
        app.close()
