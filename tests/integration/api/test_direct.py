"""Requests that are answered without a task, and the same ones where they can't be."""

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator

import pytest

from rotator.api.direct import Respond
from rotator.api.requests import Receive, Scope, Send
from rotator.api.serving import ApiServer, listening
from rotator.config.api import ApiSettings
from rotator.sdk import SecretValue
from tests.support.api import ServedApi, served, signed
from tests.support.manager import ME
from tests.support.raw_http import answer_on, ask, connected, is_closed

TARGET = "secretsmanager.GetSecretValue"
_LENGTH = (b"content-length", b"5")
_POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"


class Toy:
    """Says which way it was asked. Directly, the body `2.` is answered when there are two of it, or on demand."""

    def __init__(self) -> None:
        self._kept: list[Respond] = []
        self._loop: asyncio.AbstractEventLoop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [_LENGTH]})
        await send({"type": "http.response.body", "body": scope["method"].encode().ljust(5)})

    def directly(self, scope: Scope, body: bytes, respond: Respond) -> bool:
        if scope["method"] != "POST":
            return False
        self._loop = asyncio.get_running_loop()
        self._kept.append(respond)
        if body != b"2." or len(self._kept) == 2:
            self._answer(b"at" + body.ljust(3), closes=body == b"no")
        return True

    def answer(self) -> None:
        self._loop.call_soon_threadsafe(self._answer, b"late ")

    def _answer(self, body: bytes, *, closes: bool = False) -> None:
        for respond in self._kept:
            respond(200, [_LENGTH], body, closes=closes)
        self._kept.clear()


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    toy = Toy()
    server = ApiServer(toy, listening("127.0.0.1", 0, setting="the test"), direct=toy.directly)
    server.start()
    yield server.host, server.port
    server.stop()


def test_a_request_that_came_in_whole_is_answered_directly(address: tuple[str, int]) -> None:
    """One after the other on a connection; what the application doesn't take goes the other way."""
    with connected(address) as connection:
        for method, body in ((b"POST", b"athi "), (b"PUT", b"PUT  "), (b"POST", b"athi ")):
            connection.sendall(_POST.replace(b"POST", method) + b"\r\nhi")
            answer = answer_on(connection)
            assert answer is not None
            assert (answer.status, answer.body) == (200, body)
            assert "date" in answer.headers


def test_a_body_that_comes_later_is_waited_for(address: tuple[str, int]) -> None:
    """It is answered the other way."""
    with connected(address) as connection:
        connection.sendall(_POST + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hi")
        answer = answer_on(connection)
    assert answer is not None
    assert answer.body == b"POST "


@pytest.mark.parametrize(
    "request_",
    [_POST + b"Connection: close\r\n\r\nhi", _POST.replace(b"1.1", b"1.0") + b"\r\nhi"],
    ids=["closes", "HTTP/1.0"],
)
def test_who_asks_for_no_more_is_told_that_the_connection_ends(
    address: tuple[str, int], request_: bytes
) -> None:
    """It is closed behind the answer."""
    with connected(address) as connection:
        connection.sendall(request_)
        answer = answer_on(connection)
        assert answer is not None
        assert (answer.body, answer.headers["connection"]) == (b"athi ", "close")
        assert is_closed(connection)


def test_what_is_refused_for_good_ends_the_connection(address: tuple[str, int]) -> None:
    """What was sent ahead behind it is not answered."""
    with connected(address) as connection:
        connection.sendall((_POST + b"\r\nno") * 2)
        answer = answer_on(connection)
        assert answer is not None
        assert (answer.body, answer.headers["connection"]) == (b"atno ", "close")
        assert is_closed(connection)


def test_who_has_gone_away_meanwhile_is_not_answered(address: tuple[str, int]) -> None:
    """The others are."""
    with connected(address) as connection:
        connection.sendall(_POST + b"\r\n2.")
    answer = ask(address, _POST + b"\r\n2.")
    assert answer is not None
    assert answer.body == b"at2. "


def test_an_answer_under_way_is_waited_for_as_the_server_ends() -> None:
    """It is the last one on its connection."""
    toy = Toy()
    server = ApiServer(toy, listening("127.0.0.1", 0, setting="the test"), direct=toy.directly)
    server.start()
    address = server.host, server.port
    with connected(address) as first, connected(address) as second:
        for connection in (first, second):
            connection.sendall(_POST + b"\r\nhi")
            assert answer_on(connection) is not None
        first.sendall(_POST + b"\r\n2.")
        second.sendall(_POST[:10])
        ending = threading.Thread(target=server.stop)
        ending.start()
        assert is_closed(second)
        toy.answer()
        answer = answer_on(first)
        assert answer is not None
        assert (answer.body, answer.headers["connection"]) == (b"late ", "close")
        ending.join(30)
    assert not ending.is_alive()


@pytest.fixture(scope="module")
def body(api: ServedApi) -> bytes:
    """What asks for a secret."""
    name = f"direct/{uuid.uuid4().hex}"
    api.house.manager.create_secret(**ME, name=name, value=SecretValue(string="first"))
    return json.dumps({"SecretId": name}).encode()


def test_a_read_is_answered_alike_however_it_comes(api: ServedApi, body: bytes) -> None:
    """At once, in two parts, ahead of another one's answer, or with a body in chunks."""
    request = signed(api, body, target=TARGET)
    answers = [ask(api.address, request)]
    with connected(api.address) as connection:
        connection.sendall(request[:-5])
        connection.sendall(request[-5:])
        answers.append(answer_on(connection))
    with connected(api.address) as connection:
        connection.sendall(request * 3)
        reader = connection.makefile("rb")
        for _ in range(3):
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            while reader.readline() != b"\r\n":
                pass
            assert json.loads(reader.read(len(answers[0].body if answers[0] else b"")))
    head, _, _ = signed(api, body, target=TARGET, length=False).partition(b"\r\n\r\n")
    chunked = b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    answers.append(ask(api.address, head + chunked))
    told = [(answer.status, answer.json) for answer in answers if answer is not None]
    assert len(told) == 3
    assert told[0][1]["SecretString"] == "first"
    assert told == [told[0]] * 3
    assert (
        len({answer.headers["x-amzn-requestid"] for answer in answers if answer is not None}) == 3
    )


def test_a_read_that_is_refused_before_it_is_read_ends_the_connection(
    api: ServedApi, body: bytes
) -> None:
    """Because a header comes twice, or because there are too many calls."""
    twice = signed(api, body, target=TARGET, extra=[("X-Amz-Date", "other")])
    with served(api.house, ApiSettings(calls_per_second=0.0001)) as slow:
        assert ask(slow.address, signed(slow, body, target=TARGET)) is not None
        throttled = ask(slow.address, signed(slow, body, target=TARGET))
    refused = ask(api.address, twice)
    for answer, code in ((refused, "SerializationException"), (throttled, "ThrottlingException")):
        assert answer is not None
        assert (answer.status, answer.code) == (400, code)
        assert answer.headers["connection"] == "close"
        assert str(uuid.UUID(answer.headers["x-amzn-requestid"], version=4))
