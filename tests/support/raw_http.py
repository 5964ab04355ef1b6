"""HTTP written by hand: what no client library would send."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of an error of the API."""
        try:
            parsed = self.json
        except ValueError:
            return None
        return parsed.get("__type") if isinstance(parsed, dict) else None


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    """A connection."""
    with socket.create_connection(address, timeout=_PATIENCE) as connection:
        yield connection


def answer_on(connection: socket.socket) -> Answer | None:
    """The next answer; None where the connection was closed instead."""
    response = HTTPResponse(connection)
    try:
        response.begin()
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    except (ConnectionError, ValueError):
        return None
    finally:
        response.close()


def ask(address: tuple[str, int], request: bytes) -> Answer | None:
    """What these bytes are answered with."""
    with connected(address) as connection:
        connection.sendall(request)
        return answer_on(connection)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection, after whatever it sent; waits for that."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True
