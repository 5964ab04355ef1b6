"""A small service that issues API keys over HTTP, in a process of its own: what a rotator with `issues_value` changes.

An account's key makes further keys (`POST /keys`, under an idempotency key), lists them without their values
(`GET /keys`), deletes one (`DELETE /keys/ID`) and is checked (`GET /me`). An account whose name begins with `replay`
is given the same key again for the same idempotency key; any other is shown a key only once.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any


@dataclass
class _Key:
    account: str
    under: str
    value: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    id: str = field(default_factory=lambda: secrets.token_hex(8))


_keys: dict[str, _Key] = {}
_lock = Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/accounts":
            self._answer(201, _shown(self._issue(body["name"], "first")))
            return
        own = self._own()
        if own is None:
            return
        with _lock:
            known = [
                key
                for key in _keys.values()
                if (key.account, key.under) == (own.account, body["under"])
            ]
        if known and not own.account.startswith("replay"):
            self._answer(409, {"id": known[0].id})
            return
        self._answer(201, _shown(known[0] if known else self._issue(own.account, body["under"])))

    def do_GET(self) -> None:
        own = self._own()
        if own is not None:
            with _lock:
                listed = [key for key in _keys.values() if key.account == own.account]
            self._answer(200, [{"id": key.id, "under": key.under} for key in listed])

    def do_DELETE(self) -> None:
        own = self._own()
        if own is not None:
            with _lock:
                _keys.pop(self.path.rpartition("/")[2], None)
            self._answer(200, {})

    def _issue(self, account: str, under: str) -> _Key:
        key = _Key(account, under)
        with _lock:
            _keys[key.id] = key
        return key

    def _own(self) -> _Key | None:
        """The key that the request is made with; where there is none such, the request is answered."""
        with _lock:
            found = [
                key
                for key in _keys.values()
                if f"Bearer {key.value}" == self.headers["Authorization"]
            ]
        if not found:
            self._answer(401, {})
        return found[0] if found else None

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Nothing: a test that fails shows what it asked for."""


def _shown(key: _Key) -> dict[str, str]:
    return {"id": key.id, "key": key.value}


@dataclass(frozen=True)
class KeyServer:
    """The service that runs."""

    port: int

    def request(
        self, method: str, path: str, *, key: str = "", body: Any = None
    ) -> tuple[int, Any]:
        """Status and body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {key}"}
            connection.request(method, path, body=json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@contextmanager
def running_key_server() -> Iterator[KeyServer]:
    """The service on a free port, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.key_server"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield KeyServer(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
