"""What a hostile client can take: a connection for a while, and nothing from others."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest

from rotator.config.api import ApiSettings
from tests.support.api import ServedApi, served, signed
from tests.support.raw_http import answer_on, ask, connected, is_closed
from tests.support.waiting import eventually

TARGET = "secretsmanager.GetRandomPassword"
PER_ADDRESS = 4
RARE = 0.0001  # a call in three hours


@pytest.fixture(scope="module")
def hurried(api: ServedApi) -> Iterator[ServedApi]:
    """An API on the same store that gives a request and an idle connection little time."""
    settings = ApiSettings(
        request_time=0.3, idle_time=0.2, connections=6, connections_per_address=PER_ADDRESS
    )
    with served(api.house, settings) as hurried:
        yield hurried


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"P",
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123",
        b"\r\n\r\n\r\n",
    ],
    ids=["nothing", "a byte", "half a header", "half a body", "empty lines"],
)
def test_a_request_that_does_not_come_in_is_ended(hurried: ServedApi, sent: bytes) -> None:
    """Wherever it stops, the connection is closed after a while."""
    with connected(hurried.address) as connection:
        connection.sendall(sent)
        assert is_closed(connection)


def test_a_connection_that_is_idle_is_ended(hurried: ServedApi) -> None:
    """After an answer a connection waits for the next request for a while, and no longer."""
    with connected(hurried.address) as connection:
        connection.sendall(signed(hurried, b"{}", target=TARGET))
        answer = answer_on(connection)
        assert answer is not None
        assert answer.status == 200
        assert is_closed(connection)


def test_one_address_takes_only_so_many_connections(hurried: ServedApi) -> None:
    """One more is closed at once; when those are gone, the next is answered."""
    with ExitStack() as stack:
        for _ in range(PER_ADDRESS):
            stack.enter_context(connected(hurried.address))
        with connected(hurried.address) as one_more:
            assert is_closed(one_more)

    def answers() -> bool:
        try:
            answer = ask(hurried.address, signed(hurried, b"{}", target=TARGET))
        except ConnectionError:
            return False
        return answer is not None and answer.status == 200

    assert eventually(answers)


def test_pipelined_requests_are_answered_in_their_order(api: ServedApi) -> None:
    """Several requests at once get an answer each, one after the other."""
    requests = [
        signed(api, b'{"PasswordLength": %d}' % length, target=TARGET) for length in (10, 20, 30)
    ]
    with connected(api.address) as connection:
        connection.sendall(b"".join(requests))
        reader = connection.makefile("rb")
        lengths = [len(_password(reader)) for _ in requests]
    assert lengths == [10, 20, 30]


def _password(reader: BinaryIO) -> str:
    size = 0
    while (line := reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    password: str = json.loads(reader.read(size))["RandomPassword"]
    return password


@pytest.mark.parametrize(
    "settings",
    [
        ApiSettings(calls_per_second=RARE),
        ApiSettings(calls_per_second_of_principal=RARE),
    ],
    ids=["in all", "of a principal"],
)
def test_who_calls_too_often_is_throttled(api: ServedApi, settings: ApiSettings) -> None:
    """ThrottlingException, which SDKs answer with a pause; no call has been done then."""
    with served(api.house, settings) as slow:
        client = slow.client()
        client.get_random_password()
        with pytest.raises(client.exceptions.ClientError) as refused:
            client.get_random_password()
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_strangers_can_not_fill_the_audit(api: ServedApi) -> None:
    """Requests that nobody is known by are recorded up to a rate; beyond it they are throttled, and callers are not."""
    with served(api.house, ApiSettings(refusals_per_second_of_address=RARE)) as slow:
        unsigned = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
        answers = [ask(slow.address, unsigned) for _ in range(3)]
        slow.client().get_random_password()
    codes = [None if answer is None else answer.code for answer in answers]
    assert codes == ["MissingAuthenticationTokenException", *["ThrottlingException"] * 2]


def test_plaintext_is_for_this_machine_alone(api: ServedApi) -> None:
    """On an address that others reach, calls without TLS are refused; a setting that says so allows them."""
    with served(api.house, host="0.0.0.0") as exposed:
        near = ("127.0.0.1", exposed.service.port)
        answer = ask(near, signed(exposed, b"{}", target=TARGET))
        assert answer is not None
        assert (answer.status, answer.code) == (400, "AccessDeniedException")
        assert "api.tls" in answer.json["message"]
    allowed = ApiSettings(plaintext_beyond_loopback=True)
    with served(api.house, allowed, host="0.0.0.0") as exposed:
        near = ("127.0.0.1", exposed.service.port)
        answer = ask(near, signed(exposed, b"{}", target=TARGET))
        assert answer is not None
        assert answer.status == 200
