"""Endpoints as rotators, on a real HTTPS server that verifies signatures as the documentation says."""

import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rotator.model.rotation import Phase, Status
from rotator.rotation.declared import declared
from rotator.rotation.registry import RotatorRegistry
from rotator.sdk import (
    Authority,
    Candidate,
    FailureKind,
    Misconfigured,
    NotSupported,
    OutcomeUnknown,
    Proof,
    Rotation,
    SecretValue,
    StepError,
    TargetUnreachable,
)
from rotators.external import Webhook
from rotators.external.protocol import ExternalBug
from rotators.external.signing import headers
from tests.support.certificates import CertificateAuthority, new_authority
from tests.support.documentation import shown
from tests.support.house import House
from tests.support.manager import ME
from tests.support.rotations import rotation_of

KEY = "0123456789abcdef0123456789abcdef"
_VERIFYING: dict[str, Any] = {}
exec(shown("plugins.md", language="python", having="def verified"), _VERIFYING)


@dataclass
class Endpoint:
    """A server whose password is what it was told last; it misbehaves as it is asked to.

    Attributes:
        statuses: what it answers to a verb instead of doing it.
        after: what it does to the connection once it has done a verb: `drop` it, `cut` the answer short, `drip` it.
    """

    password: str = "first password"
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    verbs: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def receive(self, told: Any, body: bytes) -> tuple[int, bytes]:
        if not _VERIFYING["verified"](KEY, told, body, self.seen):
            return 401, b""
        request = json.loads(body)
        verb = request["verb"]
        self.verbs.append(verb)
        if verb in self.statuses:
            return self.statuses[verb], self.bodies.get(verb, b"")
        values = {
            name: json.loads(value["string"])["password"]
            for name, value in request["values"].items()
        }
        answer: dict[str, Any] = {}
        match verb:
            case "set_secret":
                self.password = values["pending"]
            case "revert_secret":
                self.password = values["current"]
            case "probe":
                right = values[request["candidate"]] == self.password
                answer = {"proof": "accepted" if right else "refused"}
            case _:
                return 501, b""
        return 200, self.bodies.get(verb, json.dumps(answer).encode())


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = endpoint.receive(self.headers, body)
            how = endpoint.after.pop(endpoint.verbs[-1], "") if endpoint.verbs else ""
            if how == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.send_header("Location", endpoint.url)
            if how != "unsized":
                self.send_header("Content-Length", str(len(answer) + (7 if how == "cut" else 0)))
            self.end_headers()
            if how == "drip":
                self.wfile.write(answer[:1])
                endpoint.over.wait()
            self.wfile.write(answer)
            if how == "unsized":  # and nothing says that this was the end
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return new_authority("webhooks")


@pytest.fixture(scope="module")
def trust(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    path.write_bytes(authority.pem)
    return str(path)


@pytest.fixture
def endpoint(authority: CertificateAuthority, tmp_path: Path) -> Iterator[Endpoint]:
    """An endpoint on a port of this machine, with a certificate for its address."""
    issued = authority.issue("127.0.0.1")
    file = tmp_path / "server.pem"
    file.write_bytes(issued.private_key + issued.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    endpoint = Endpoint()

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            secured = context.wrap_socket(request, server_side=True)
            with secured:
                super().finish_request(secured, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # clients that hang up are what the tests are about

    with Server(("127.0.0.1", 0), _handler(endpoint)) as server:
        endpoint.url = f"https://127.0.0.1:{server.server_port}/rotate?for=app"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield endpoint
        endpoint.over.set()
        server.shutdown()
        serving.join()


def webhook(endpoint: Endpoint, *, key: str = KEY, timeout: float = 20.0) -> Webhook:
    return Webhook(name="billing", url=endpoint.url, key=key, timeout=timeout)


def step(trust: str | None, **fields: Any) -> Rotation:
    values = {
        candidate: SecretValue.from_json({"password": password})
        for candidate, password in (
            (Candidate.CURRENT, "first password"),
            (Candidate.PENDING, "second password"),
        )
    }
    return rotation_of(values, kind=Webhook, trust=trust, **fields)


@pytest.fixture
def store_engine() -> str:
    """One of the two: an endpoint knows neither."""
    return "sqlite"


@pytest.fixture
def name(house: House, endpoint: Endpoint) -> str:
    """A secret that the endpoint, declared as `billing`, rotates."""
    options = {"url": endpoint.url, "key": KEY, "timeout": 20.0}
    house.registry = RotatorRegistry.load(declared({}, {"billing": options}))
    name = f"api-{uuid.uuid4().hex[:12]}"
    value = SecretValue.from_json({"password": "first password"})
    house.manager.create_secret(**ME, name=name, value=value)
    house.manager.set_rotation(**ME, secret_id=name, rotator="billing", authority=Authority())
    return name


def test_an_endpoint_rotates(house: House, name: str, endpoint: Endpoint, trust: str) -> None:
    """Three verbs are enough; every request is signed, and none comes twice."""
    report = house.rotate(name, engine=house.engine(trust=trust))

    assert report.status is Status.SUCCEEDED, report.failure
    assert house.fields(name)["password"] == endpoint.password != "first password"
    assert len(endpoint.seen) == len(endpoint.verbs)


def test_a_lost_answer_is_probed(house: House, name: str, endpoint: Endpoint, trust: str) -> None:
    """An endpoint that hangs up after its change leaves the outcome unknown; the probe finds the new value."""
    endpoint.after["set_secret"] = "drop"

    report = house.rotate(name, engine=house.engine(trust=trust))

    assert report.status is Status.SUCCEEDED, report.failure
    outcomes = [step.outcome for step in report.steps if step.phase is Phase.SET]
    assert FailureKind.UNKNOWN in outcomes
    assert endpoint.verbs.count("set_secret") == 1
    assert house.fields(name)["password"] == endpoint.password


def test_a_failed_test_is_reverted(house: House, name: str, endpoint: Endpoint, trust: str) -> None:
    """An endpoint that refuses the new value in its test gets the old one back, and its words are told."""
    endpoint.statuses["test_secret"] = 200
    told = {"error": "TargetRefused", "message": "second thoughts", "hint": "ask billing"}
    endpoint.bodies["test_secret"] = json.dumps(told).encode()

    report = house.rotate(name, engine=house.engine(trust=trust))

    assert report.status is Status.FAILED
    assert report.failure is not None
    assert (report.failure.message, report.failure.hint) == ("second thoughts", "ask billing")
    assert endpoint.password == "first password"


def test_another_key_is_refused(endpoint: Endpoint, trust: str) -> None:
    """A request that is signed with another key does nothing, and the refusal is a definite one."""
    with pytest.raises(Misconfigured, match="status 401"):
        webhook(endpoint, key="another key of thirty-two letters").set_secret(step(trust))
    assert endpoint.password == "first password"


def test_the_documented_check_refuses_what_was_altered_replayed_or_kept() -> None:
    """The page's `verified` accepts a request once, and none whose body, time, delivery or signature is another."""
    verified, seen, body = _VERIFYING["verified"], set[str](), b'{"verb": "probe"}'
    now = int(time.time())
    sent = headers(KEY, body, timestamp=now, delivery="one")
    assert not verified(KEY, sent, b'{"verb": "set_secret"}', seen)
    for name, value in (
        ("Rotator-Timestamp", str(now + 1)),
        ("Rotator-Delivery", "two"),
        ("Rotator-Signature", "v1=ü"),
    ):
        assert not verified(KEY, {**sent, name: value}, body, seen)
    assert not verified(KEY, {}, body, seen)
    assert verified(KEY, sent, body, seen)
    assert not verified(KEY, sent, body, seen)
    for wrong_clock in (now - 301, now + 310):
        kept = headers(KEY, body, timestamp=wrong_clock, delivery="three")
        assert not verified(KEY, kept, body, seen)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (501, NotSupported),
        (403, Misconfigured),
        (404, Misconfigured),
        (302, Misconfigured),
        (307, Misconfigured),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_a_status_tells_what_is_known(
    endpoint: Endpoint, trust: str, status: int, error: type[StepError]
) -> None:
    """A definite no is told apart from an outcome that nobody knows; a redirect is not followed."""
    endpoint.statuses["revert_secret"] = status
    with pytest.raises(error):
        webhook(endpoint).revert_secret(step(trust))
    assert endpoint.verbs == ["revert_secret"]


def test_only_a_trusted_certificate_gets_a_request(endpoint: Endpoint, tmp_path: Path) -> None:
    """Without the right authority no connection is used, so nothing was sent; the same for another name."""
    other = tmp_path / "other.pem"
    other.write_bytes(new_authority("somebody else").pem)
    for trust in (str(other), None):
        with pytest.raises(TargetUnreachable, match="is not trusted"):
            webhook(endpoint).set_secret(step(trust))
    assert endpoint.verbs == []


def test_a_certificate_for_another_name_is_refused(endpoint: Endpoint, trust: str) -> None:
    """The certificate has to be for the host that the URL names."""
    endpoint.url = endpoint.url.replace("127.0.0.1", "localhost")
    with pytest.raises(TargetUnreachable, match="is not trusted"):
        webhook(endpoint).set_secret(step(trust))


def test_nobody_there_is_told_as_such(endpoint: Endpoint, trust: str) -> None:
    """A port that nobody listens on, a server without TLS and a name that doesn't resolve: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url, told in (
        (f"https://127.0.0.1:{port}/", "no connection"),
        ("https://nobody.invalid/", "nobody.invalid"),
    ):
        endpoint.url = url
        with pytest.raises(TargetUnreachable, match=told):
            webhook(endpoint).set_secret(step(trust))


@pytest.mark.parametrize("how", ["cut", "unsized", "drop"])
def test_an_answer_that_was_cut_is_no_answer(endpoint: Endpoint, trust: str, how: str) -> None:
    """An end of the connection that nobody announced never counts as done."""
    endpoint.bodies["set_secret"] = b""
    endpoint.after["set_secret"] = how
    with pytest.raises(OutcomeUnknown, match="ended the connection"):
        webhook(endpoint).set_secret(step(trust))


def test_an_endpoint_that_drips_is_left_at_the_deadline(endpoint: Endpoint, trust: str) -> None:
    """An answer that never ends is waited for no longer than the time limit."""
    endpoint.after["set_secret"] = "drip"
    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        webhook(endpoint, timeout=1.0).set_secret(step(trust))
    assert endpoint.password == "second password"


def test_an_answer_is_bounded(endpoint: Endpoint, trust: str) -> None:
    """More than an answer may have is not read, and what came is not quoted."""
    endpoint.bodies["set_secret"] = b"x" * (2 << 20)
    with pytest.raises(ExternalBug, match="more than 1048576 bytes"):
        webhook(endpoint).set_secret(step(trust))
    endpoint.bodies["set_secret"] = b"second password"
    with pytest.raises(ExternalBug, match="no JSON object"):
        webhook(endpoint).set_secret(step(trust))


def test_plaintext_works_on_this_machine(trust: str) -> None:
    """Where the configuration allows http, it is spoken; that it names this machine is the configuration's to check."""
    endpoint = Endpoint()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint)) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            proof = webhook(endpoint).probe(step(trust), Candidate.CURRENT)
        finally:
            server.shutdown()
            serving.join()
    assert proof is Proof.ACCEPTED
