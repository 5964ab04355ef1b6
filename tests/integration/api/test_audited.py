"""Every call is in the audit: who, what, from where, and how it ended."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rotator.manager.auditing import Auditing
from rotator.store.audit_search import AuditFilter, AuditRecord
from tests.support.api import KEYS, ServedApi, signed
from tests.support.manager import ME
from tests.support.raw_http import Answer, ask


def _record(api: ServedApi, answer: Answer) -> AuditRecord:
    """The one record of the request that was answered."""
    return _record_of(api, answer.headers["x-amzn-requestid"])


def _record_of(api: ServedApi, request_id: str) -> AuditRecord:
    page = Auditing(api.house.store).show(**ME, where=AuditFilter(), limit=200)
    [found] = [record for record in page.records if record.request_id == request_id]
    return found


def _asked(api: ServedApi, operation: str, body: bytes) -> Answer:
    answer = ask(api.address, signed(api, body, target=f"secretsmanager.{operation}"))
    assert answer is not None
    return answer


def _detail(record: AuditRecord) -> dict[str, Any]:
    assert record.detail is not None
    return dict(record.detail)


def test_what_was_answered_is_on_record(api: ServedApi) -> None:
    """With the principal, the access key and the address that it came from, and without the value."""
    name, value = f"s/{uuid.uuid4().hex}", uuid.uuid4().hex
    api.client().create_secret(Name=name, SecretString=value)
    record = _record(api, _asked(api, "GetSecretValue", json.dumps({"SecretId": name}).encode()))
    assert (record.principal, record.event, record.outcome) == (
        "principal:alice",
        "GetSecretValue",
        "succeeded",
    )
    told = json.dumps(record.detail)
    assert KEYS.access_key in told
    assert "127.0.0.1" in told
    assert value not in told


def test_what_no_operation_saw_is_on_record(api: ServedApi) -> None:
    """A body that is no input, a missing member, and an operation that there is not."""
    for operation, body, event, error in (
        ("GetSecretValue", b"{", "GetSecretValue", "SerializationError"),
        ("GetSecretValue", b"{}", "GetSecretValue", "ValidationError"),
        ("CreateSecret", b'{"Name": "x"}', "CreateSecret", "InvalidRequest"),
        ("DropEverything", b"{}", "UnknownOperation", "UnknownOperation"),
    ):
        record = _record(api, _asked(api, operation, body))
        assert (record.event, record.outcome) == (event, "failed"), operation
        assert _detail(record)["error"] == error


def test_who_is_not_known_is_on_record(api: ServedApi) -> None:
    """A signature that isn't right is recorded with the key that it names, as denied."""
    request = signed(api, b'{"SecretId": "x"}', target="secretsmanager.GetSecretValue")
    answer = ask(api.address, request.replace(b'"x"', b'"y"'))
    assert answer is not None
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")
    record = _record(api, answer)
    assert (record.principal, record.outcome) == (f"unknown:{KEYS.access_key}", "denied")
    unsigned = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: secretsmanager.ListSecrets\r\nContent-Length: 2\r\n\r\n{}"
    answer = ask(api.address, unsigned)
    assert answer is not None
    assert answer.code == "MissingAuthenticationTokenException"
    assert _record(api, answer).outcome == "denied"


def test_what_sts_refuses_is_on_record(api: ServedApi) -> None:
    """An action that there is not, asked for by somebody who is known; and somebody who is not."""
    sts = api.client("sts")
    with pytest.raises(ClientError) as refused:
        sts.get_session_token()
    answer = refused.value.response
    assert answer["Error"]["Code"] == "InvalidAction"
    record = _record_of(api, answer["ResponseMetadata"]["RequestId"])
    assert (record.principal, record.event, record.outcome) == (
        "principal:alice",
        "UnknownOperation",
        "failed",
    )
    assert _detail(record)["error"] == "InvalidAction"
    unsigned = ask(
        api.address,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 24\r\n\r\nAction=GetCallerIdentity",
    )
    assert unsigned is not None
    assert unsigned.status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in unsigned.body
    assert _record(api, unsigned).outcome == "denied"
