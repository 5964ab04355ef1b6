"""A Lambda service: the Invoke API in front, AWS's own runtime (`awslambdaric`) with unmodified handler files behind.

Each function has a Runtime API of its own, from which its process, started at the first invocation, takes what is to be
done: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import unquote

from tests.support.manager import ACCOUNT, REGION

KEY_ID = "AKIALAMBDAINVOKER000"
_TIMEOUT = 120.0  # seconds that a function may take


def arn_of(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, code: str, message: str) -> Answer:
    """An error of the Lambda API itself."""
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Answer(status, body, {"x-amzn-ErrorType": code})


class _Function:
    """A handler file with its Runtime API, and as many processes as invocations were under way at once."""

    def __init__(self, name: str, file: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._file = file
        self._environment = environment
        self._asked: Queue[tuple[str, bytes]] = Queue()
        self._answered: dict[str, Queue[Answer]] = {}
        self._server: ThreadingHTTPServer | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self._under_way = 0
        self._lock = threading.Lock()

    def invoke(self, event: bytes) -> Answer:
        with self._lock:
            self._under_way += 1
            if self._under_way > len(self._processes):
                self._start()
        request = str(uuid.uuid4())
        self._answered[request] = Queue()
        self._asked.put((request, event))
        try:
            return self._answered[request].get(timeout=_TIMEOUT)
        finally:
            del self._answered[request]
            with self._lock:
                self._under_way -= 1

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        if self._server is not None:
            for _ in self._processes:
                self._asked.put(("", b""))  # for the runtime that waits for an event
            self._server.shutdown()
            self._server.server_close()

    def _start(self) -> None:
        if self._server is None:
            self._server = self._runtime_api()
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", f"{self._file.stem}.lambda_handler"],
                cwd=self._file.parent,
                env={
                    "PATH": os.environ["PATH"],
                    "LAMBDA_TASK_ROOT": str(self._file.parent),
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                    "AWS_LAMBDA_FUNCTION_NAME": self.name,
                    "AWS_DEFAULT_REGION": REGION,
                    "AWS_REGION": REGION,
                    **self._environment,
                },
            )
        )

    def _runtime_api(self) -> ThreadingHTTPServer:
        function = self

        class Runtime(_Handler):
            def do_GET(self) -> None:
                request, event = function._asked.get()
                self.answer(
                    Answer(
                        200,
                        event,
                        {
                            "Lambda-Runtime-Aws-Request-Id": request,
                            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _TIMEOUT) * 1000)),
                            "Lambda-Runtime-Invoked-Function-Arn": arn_of(function.name),
                        },
                    )
                )

            def do_POST(self) -> None:
                content = self.content()
                *_, request, outcome = self.path.split("/")
                failed = {"X-Amz-Function-Error": "Unhandled"} if outcome == "error" else {}
                if request in function._answered:
                    function._answered[request].put(Answer(200, content, failed))
                self.answer(Answer(202, b"{}"))

        return _serving(Runtime)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the interface's name
        del format, args

    def content(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Processes of tests are killed and stopped, whatever they have open."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _serving(handler: type[_Handler]) -> ThreadingHTTPServer:
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@dataclass
class LambdaService:
    """The service.

    Attributes:
        url: of the Lambda API.
        events: what functions were invoked with.
        answers: given first, in place of invoking anything.
    """

    url: str
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def options(self, **changes: Any) -> dict[str, Any]:
        """What the invoker of its functions is made with."""
        given = {
            "endpoint": self.url,
            "region": REGION,
            "access_key_id": KEY_ID,
            "secret_access_key": "secret",
            "session_token": None,
            "trust": None,
        }
        return given | changes


@contextmanager
def lambda_service(
    files: Mapping[str, Path], environment: Mapping[str, str]
) -> Iterator[LambdaService]:
    """A Lambda service with these functions, until the block ends.

    Args:
        environment: of the functions, besides what Lambda gives.
    """
    functions = {name: _Function(name, file, environment) for name, file in files.items()}

    class Api(_Handler):
        def do_POST(self) -> None:
            content = self.content()
            if service.answers:
                self.answer(service.answers.pop(0))
                return
            name = unquote(self.path).removesuffix("/invocations").rpartition(":")[2]
            if f"Credential={KEY_ID}/" not in self.headers.get("Authorization", ""):
                self.answer(refusal(403, "AccessDeniedException", "not authorized"))
            elif name not in functions:
                self.answer(refusal(404, "ResourceNotFoundException", f"no function {name}"))
            elif self.headers["X-Amz-Invocation-Type"] == "DryRun":
                self.answer(Answer(204))
            else:
                service.events.append(json.loads(content))
                self.answer(functions[name].invoke(content))

    server = _serving(Api)
    service = LambdaService(f"http://127.0.0.1:{server.server_port}")
    try:
        yield service
    finally:
        for function in functions.values():
            function.stop()
        server.shutdown()
        server.server_close()
