"""Requests as bytes: signed by one principal or another, or altered afterwards."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fuzzing.values import Values

_UNSIGNED, _ALTERED, _SIGNED_ALTERED = 0.02, 0.06, 0.06


@dataclass(frozen=True, slots=True)
class Message:
    """One request.

    Attributes:
        operation: that it is about, as far as it was meant to be understood.
        alters: its bytes are not what a client would send, so that anything may be the answer but a fault.
    """

    operation: str
    content: bytes
    alters: bool


@dataclass(frozen=True, slots=True)
class Messages:
    """Makes requests to one server."""

    address: tuple[str, int]
    chance: Random
    values: Values

    def next(self, keys: Credentials, region: str) -> Message:
        """A request of whoever has the keys."""
        operation = self.values.operation()
        body = self._body(self.values.input_of(operation))
        kind = self.chance.random()
        if kind < _SIGNED_ALTERED:
            body = self._altered(body)
        target = f"secretsmanager.{operation}"
        if self.chance.random() < 0.01:
            target = self.chance.choice(("secretsmanager.", "x", f"{target}X", "sts.Get", ""))
        content = self._signed(body, target, keys, region, sign=kind < 1 - _UNSIGNED)
        if kind < _SIGNED_ALTERED or kind >= _SIGNED_ALTERED + _ALTERED:
            return Message(operation, content, alters=False)
        return Message(operation, self._altered(content), alters=True)

    def _body(self, given: Any) -> bytes:
        escaped = self.chance.random() < 0.7
        return json.dumps(given, ensure_ascii=escaped).encode("utf-8", "surrogatepass")

    def _signed(
        self, body: bytes, target: str, keys: Credentials, region: str, *, sign: bool
    ) -> bytes:
        host, port = self.address
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        request = AWSRequest("POST", f"http://{host}:{port}/", headers=headers, data=body)
        if sign:
            SigV4Auth(keys, "secretsmanager", region).add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        lines += [f"Host: {host}:{port}", f"Content-Length: {len(body)}"]
        return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body

    def _altered(self, content: bytes) -> bytes:
        """The bytes after a few changes."""
        given = bytearray(content)
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            at = self.chance.randrange(len(given) + 1)
            match self.chance.randrange(5):
                case 0:
                    given[at : at + 1] = self.chance.randbytes(1)
                case 1:
                    given[at:at] = self.chance.randbytes(self.chance.randrange(1, 9))
                case 2:
                    del given[at : at + self.chance.randrange(1, 30)]
                case 3:
                    given[at:at] = given[at : at + self.chance.randrange(1, 60)]
                case _:
                    given[at:at] = self.chance.choice((b"\r\n", b"\0", b"[[[[", b'"', b"\xff\xfe"))
        return bytes(given)
