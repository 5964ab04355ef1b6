"""Requests that no client sends: each is refused as the client's fault, and the next one is answered."""

import json
import uuid
from typing import Any

import pytest

from tests.support.api import ServedApi, signed
from tests.support.raw_http import Answer, answer_on, ask, connected

TARGET = "secretsmanager.GetRandomPassword"
SERIALIZATION = "SerializationException"


def _asked(
    api: ServedApi, body: bytes, *, operation: str = "GetSecretValue", **more: Any
) -> Answer:
    answer = ask(api.address, signed(api, body, target=f"secretsmanager.{operation}", **more))
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "The body of the request is not valid JSON."),
        (b'{"SecretId": NaN}', "The body of the request is not valid JSON."),
        (b'{"SecretId": "\xff"}', "The body of the request is not valid JSON."),
        (b'{"SecretId": "\\ud800"}', "The body of the request is not valid JSON."),
        (b'{"Other": 1e999, "SecretId": "a"}', "The body of the request is not valid JSON."),
        (b"[" * 200_000, "The body of the request is not valid JSON."),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "The body of the request is not valid JSON."),
        (b"[]", "Start of list found where not expected"),
        (b'"text"', "Expected a structure"),
        (b'{"SecretId": 5}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"SecretId": 5.5}', "DECIMAL_VALUE can not be converted to a String"),
        (b'{"SecretId": true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"SecretId": ["a"]}', "Start of list found where not expected"),
        (b'{"SecretId": {"a": 1}}', "Start of structure or map found where not expected."),
    ],
    ids=range(14),
)
def test_what_is_no_input_is_a_serialization_error(api: ServedApi, body: bytes, text: str) -> None:
    """Bodies that are no JSON or have another type somewhere; the text quotes nothing of them."""
    answer = _asked(api, body)
    assert (answer.status, answer.json) == (400, {"__type": SERIALIZATION, "Message": text})


def test_numbers_out_of_range_are_refused(api: ServedApi) -> None:
    """A number that no computer holds, a truth value and a decimal are no PasswordLength."""
    for number in ("1" + "0" * 400, "9223372036854775808", "true", "8.5", "1e3"):
        body = f'{{"PasswordLength": {number}}}'.encode()
        answer = _asked(api, body, operation="GetRandomPassword")
        assert (answer.status, answer.code) == (400, SERIALIZATION), number


def test_the_last_of_two_members_counts(api: ServedApi) -> None:
    """As in the real service's parser."""
    body = b'{"PasswordLength": 9999999, "PasswordLength": 20}'
    answer = _asked(api, body, operation="GetRandomPassword")
    assert len(answer.json["RandomPassword"]) == 20


def test_null_and_unknown_members_are_left_out(api: ServedApi) -> None:
    """A member that is null is not given; one that the model doesn't know is not looked at."""
    body = b'{"PasswordLength": null, "Unknown": {"deep": [1, {}]}}'
    answer = _asked(api, body, operation="GetRandomPassword")
    assert (answer.status, len(answer.json["RandomPassword"])) == (200, 32)


def test_a_required_member_that_is_missing_is_named(api: ServedApi) -> None:
    """With the real service's text; ValidationException says `message` in lower case."""
    assert _asked(api, b"{}").json == {
        "__type": "ValidationException",
        "message": "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: "
        "Member must not be null",
    }


def test_an_empty_body_is_an_empty_object(api: ServedApi) -> None:
    """An operation without required members takes it."""
    assert _asked(api, b"", operation="GetRandomPassword").status == 200


@pytest.mark.parametrize(
    "target", ["secretsmanager.DropEverything", "dynamodb.GetItem", "GetSecretValue", ""]
)
def test_an_unknown_operation_is_named_so(api: ServedApi, target: str) -> None:
    """UnknownOperationException, with status 400 as all of the client's errors."""
    answer = ask(api.address, signed(api, b"{}", target=target))
    assert answer is not None
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


def test_a_token_has_to_come_with_what_makes_versions(api: ServedApi) -> None:
    """Raw HTTP without ClientRequestToken is refused before anybody looks whether the secret exists."""
    for operation in ("CreateSecret", "PutSecretValue", "UpdateSecret", "RotateSecret"):
        body = json.dumps({"Name": "none", "SecretId": "none", "SecretString": "x"}).encode()
        assert _asked(api, body, operation=operation).json == {
            "__type": "InvalidRequestException",
            "Message": "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        }


def test_a_blob_that_is_no_base64_is_refused(api: ServedApi) -> None:
    """Characters that base64 doesn't have are no blob."""
    body = json.dumps(
        {"SecretId": "x", "SecretBinary": "%%%", "ClientRequestToken": str(uuid.uuid4())}
    ).encode()
    answer = _asked(api, body, operation="PutSecretValue")
    assert (answer.status, answer.code) == (400, SERIALIZATION)


@pytest.mark.parametrize("header", ["X-Amz-Target", "Authorization", "X-Amz-Date", "Host"])
def test_a_header_that_two_readers_could_read_differently_comes_once(
    api: ServedApi, header: str
) -> None:
    """A second one of what a request is judged by is refused, whatever it says."""
    answer = _asked(api, b"{}", operation="GetRandomPassword", extra=[(header, "other")])
    assert (answer.status, answer.code) == (400, SERIALIZATION)


@pytest.mark.parametrize(
    "extra",
    [
        [("Content-Length", "5")],
        [("Transfer-Encoding", "chunked")],
        [("Content-Length", "2"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_two_lengths_of_a_body_are_refused(api: ServedApi, extra: list[tuple[str, str]]) -> None:
    """Where a body ends is said once, or the request is no HTTP."""
    answer = ask(api.address, signed(api, b"{}", target=TARGET, extra=extra))
    assert answer is not None
    assert answer.status == 400


def test_a_chunked_body_is_read_whole(api: ServedApi) -> None:
    """Chunks are put together before anything is made of them."""
    whole = signed(api, b'{"PasswordLength": 21}', target=TARGET, length=False)
    head, body = whole.split(b"\r\n\r\n")
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    answer = ask(api.address, head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer is not None
    assert len(answer.json["RandomPassword"]) == 21


def test_a_body_that_is_said_to_be_too_long_is_not_waited_for(api: ServedApi) -> None:
    """The answer comes before the body does, and the connection ends."""
    head = signed(api, b"", target=TARGET, length=False).rstrip(b"\r\n")
    request = head + b"\r\nContent-Length: 1048577\r\n\r\n"
    answer = ask(api.address, request)
    assert answer is not None
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")
    assert answer.headers["connection"] == "close"


def test_a_chunked_body_that_grows_too_long_is_refused(api: ServedApi) -> None:
    """What is sent in chunks is counted."""
    head = signed(api, b"", target=TARGET, length=False).rstrip(b"\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with connected(api.address) as connection:
        connection.sendall(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 17)
        answer = answer_on(connection)
    assert answer is not None
    assert answer.status == 413


def test_too_many_and_too_large_headers_are_refused(api: ServedApi) -> None:
    """More than a hundred, or more than 32 KiB of them, are no request."""
    many = [(f"X-Many-{number}", "1") for number in range(120)]
    large = [("X-Large", "1" * 33_000)]
    for extra in (many, large):
        answer = ask(api.address, signed(api, b"{}", target=TARGET, extra=extra))
        assert answer is not None
        assert answer.status == 400


def test_headers_after_the_body_are_bounded_and_mean_nothing(api: ServedApi) -> None:
    """One that never ends is refused as the parser has kept 32 KiB of it; one that ends is no header of the request."""
    head = signed(api, b"", target=TARGET, length=False).rstrip(b"\r\n")
    chunked = b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    endless = ask(api.address, head + chunked + b"X-Large: " + b"1" * 40_000)
    assert endless is not None
    assert endless.status == 400
    unsigned = b"POST / HTTP/1.1\r\nHost: x" + chunked
    headers = head.partition(b"\r\n")[2].partition(b"\r\n")[2]
    answer = ask(api.address, unsigned + headers + b"\r\n\r\n")
    assert answer is not None
    assert answer.code == "MissingAuthenticationTokenException"
    assert ask(api.address, signed(api, b"{}", target=TARGET)) is not None


def test_what_is_no_http_is_refused(api: ServedApi) -> None:
    """Bytes of another protocol are answered with 400, and the connection ends."""
    for nonsense in (
        b"\x16\x03\x01\x00\xa5\x01\x00",
        b"HELO mail\r\n\r\n",
        b"\r\n\r\n\x00\r\n\r\n",
    ):
        answer = ask(api.address, nonsense)
        assert answer is not None
        assert answer.status == 400


def test_nonsense_after_a_request_does_not_make_its_answer_another(api: ServedApi) -> None:
    """What has been done is not answered as refused, whatever follows it; then the connection ends."""
    name = f"s/{uuid.uuid4().hex}"
    given = {"Name": name, "SecretString": "x", "ClientRequestToken": str(uuid.uuid4())}
    request = signed(api, json.dumps(given).encode(), target="secretsmanager.CreateSecret")
    for after in (
        b"\0 nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1\r\n\0",
    ):
        with connected(api.address) as connection:
            connection.sendall(request + after[:20])
            connection.sendall(after[20:])
            answer = answer_on(connection)
        assert answer is not None
        assert (answer.status, answer.json["Name"]) == (200, name)


def test_other_paths_and_methods_are_not_there(api: ServedApi) -> None:
    """The API is at POST / and nowhere else."""
    for request, status in (
        ("GET /", 404),
        ("POST /other", 405),
        ("DELETE /", 405),
        ("GET /ui/", 404),
    ):
        raw = f"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        answer = ask(api.address, raw)
        assert answer is not None
        assert answer.status == status, request


def test_every_answer_has_the_id_that_the_audit_knows_it_by(api: ServedApi) -> None:
    """x-amzn-RequestId, which audit records and the log name."""
    answer = _asked(api, b"{}")
    given = answer.headers["x-amzn-requestid"]
    assert str(uuid.UUID(given)) == given
