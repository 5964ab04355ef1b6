"""BatchGetSecretValue: values and errors of several secrets, filters, the read barrier, records."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rotator.errors import InvalidNextToken, InvalidParameter, ValidationError
from rotator.manager.manager import SecretsManager
from rotator.model.filters import Filter, FilterKey
from rotator.store import secrets
from rotator.store.store import Store
from rotator.store.tables import audit, versions
from tests.support.manager import ABROAD, ME, THE_ENGINE, row_id, value

NAMES = ["one", "two", "three"]


@pytest.fixture(autouse=True)
def _three(manager: SecretsManager) -> None:
    for name in NAMES:
        manager.create_secret(**ME, name=name, value=value(f"value of {name}"), tags={"n": name})


def _records(store: Store, event: str) -> list[tuple[str | None, str, dict[str, object] | None]]:
    found = select(audit.c.secret_arn, audit.c.outcome, audit.c.detail).where(
        audit.c.event == event
    )
    with store.read() as tx:
        return [tuple(row) for row in tx.connection.execute(found)]


def _set_barrier(store: Store, name: str, *, seconds: float | None) -> None:
    with store.write() as tx:
        until = None if seconds is None else tx.now + timedelta(seconds=seconds)
        raised = None if seconds is None else tx.now
        secrets.update(tx, row_id(tx, name), barrier_raised_at=raised, barrier_until=until)


def test_named_secrets_come_in_the_order_of_their_names(manager: SecretsManager) -> None:
    """By name, ARN and partial ARN, each once, with just what GetSecretValue answers."""
    arn = manager.describe_secret(**ME, secret_id="three").arn
    asked = ["two", arn, arn[:-7], "two", "one"]

    found = manager.batch_get_secret_value(**ME, secret_ids=asked)

    expected = [manager.get_secret_value(**ME, secret_id=name) for name in ("two", arn, arn, "one")]
    assert list(found.values) == expected
    assert (found.errors, found.next_cursor) == ((), None)


def test_what_fails_for_one_is_told_and_the_others_come(
    manager: SecretsManager, store: Store
) -> None:
    """Missing, empty, marked, malformed, elsewhere, altered: each in `errors`, in the words of GetSecretValue."""
    manager.create_secret(**ME, name="empty")
    manager.create_secret(**ME, name="marked", value=value("v"))
    manager.delete_secret(**ME, secret_id="marked")
    foreign = manager.create_secret(
        caller=ABROAD, request_id="request-9", name="foreign", value=value("v")
    )
    with store.write() as tx:
        alter = update(versions).where(versions.c.secret_id == row_id(tx, "two"))
        tx.connection.execute(alter.values(nonce=bytes(12)))
    asked = ["missing", "empty", "marked", "not a name", foreign.arn, "two", "one"]

    found = manager.batch_get_secret_value(**ME, secret_ids=asked)

    assert [entry.name for entry in found.values] == ["one"]
    assert [(error.secret_id, error.code) for error in found.errors] == [
        ("missing", "ResourceNotFoundException"),
        ("empty", "ResourceNotFoundException"),
        ("marked", "InvalidRequestException"),
        ("not a name", "ValidationException"),
        (foreign.arn, "AccessDeniedException"),
        ("two", "DecryptionFailure"),
    ]
    assert found.errors[0].message == "Secrets Manager can't find the specified secret."
    assert found.errors[1].message.endswith("secret value for staging label: AWSCURRENT")
    assert not any("value of" in error.message for error in found.errors)


def test_every_value_leaves_a_record_and_counts_as_read(
    manager: SecretsManager, store: Store
) -> None:
    """One record of the batch, one of each value, one of each refusal; LastAccessedDate is today."""
    arn = manager.describe_secret(**ME, secret_id="one").arn
    foreign = arn.replace(":123456789012:", ":999999999999:")

    manager.batch_get_secret_value(**ME, secret_ids=["one", "missing", foreign])

    assert _records(store, "BatchGetSecretValue") == [(None, "succeeded", {"secrets": 3})]
    assert sorted(_records(store, "GetSecretValue")) == sorted(
        [
            (arn, "succeeded", None),
            (foreign, "denied", {"error": "AccessDenied"}),
            ("missing", "failed", {"error": "ResourceNotFound"}),
        ]
    )
    assert manager.describe_secret(**ME, secret_id="one").accessed_on is not None
    assert manager.describe_secret(**ME, secret_id="two").accessed_on is None


def test_filters_find_the_secrets_a_page_at_a_time(manager: SecretsManager) -> None:
    """As ListSecrets finds them; the cursor belongs to these filters and this operation."""
    filters = [Filter(FilterKey.NAME, ("t",))]
    first = manager.batch_get_secret_value(**ME, filters=filters, max_results=1)
    second = manager.batch_get_secret_value(**ME, filters=filters, cursor=first.next_cursor)

    assert [entry.name for entry in (*first.values, *second.values)] == ["two", "three"]
    assert second.next_cursor is None
    for other in ([Filter(FilterKey.NAME, ("th",))], [Filter(FilterKey.TAG_VALUE, ("t",))]):
        with pytest.raises(InvalidNextToken):
            manager.batch_get_secret_value(**ME, filters=other, cursor=first.next_cursor)
    with pytest.raises(InvalidNextToken):
        manager.list_secrets(**ME, cursor=first.next_cursor)


def test_parameters_that_do_not_go_together_are_refused(manager: SecretsManager) -> None:
    """In the real service's words, where it has some."""
    filters = [Filter(FilterKey.NAME, ("t",))]
    both = "Either 'SecretIdList' or 'Filters' must be provided, but not both."
    alone = (
        "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided."
    )
    refused_with_text: list[tuple[dict[str, Any], str]] = [
        ({"secret_ids": ["one"], "filters": filters}, both),
        ({}, both),
        ({"secret_ids": ["one"], "max_results": 1}, alone),
    ]
    for given, message in refused_with_text:
        with pytest.raises(InvalidParameter) as refused:
            manager.batch_get_secret_value(**ME, **given)
        assert str(refused.value) == message
    beyond_limits: list[dict[str, Any]] = [
        {"secret_ids": ["x"] * 21},
        {"secret_ids": []},
        {"filters": filters, "max_results": 21},
    ]
    for given in beyond_limits:
        with pytest.raises(ValidationError):
            manager.batch_get_secret_value(**ME, **given)
    with pytest.raises(InvalidNextToken):
        manager.batch_get_secret_value(**ME, secret_ids=["one"], cursor="x")


def test_a_batch_waits_for_all_barriers_together(manager: SecretsManager, store: Store) -> None:
    """No value comes while a barrier of one of the secrets is raised; two barriers are waited for at once."""
    for name in ("one", "two"):
        _set_barrier(store, name, seconds=30)
    waiting = threading.Event()
    go_on = threading.Event()

    def sleep(_: float) -> None:
        waiting.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(manager.batch_get_secret_value, **ME, secret_ids=NAMES, sleep=sleep)
        assert waiting.wait(30)
        assert _records(store, "GetSecretValue") == []
        manager.put_secret_value(**ME, secret_id="three", value=value("newer"))
        for name in ("one", "two"):
            _set_barrier(store, name, seconds=None)
        go_on.set()
        found = reading.result(30)

    texts = [entry.value.string for entry in found.values]
    assert texts == ["value of one", "value of two", "newer"]
    assert len(_records(store, "BatchGetSecretValue")) == 1


def test_the_engine_does_not_wait(manager: SecretsManager, store: Store) -> None:
    """It raises the barriers, and reads admin secrets behind them."""
    _set_barrier(store, "one", seconds=30)
    found = manager.batch_get_secret_value(**THE_ENGINE, secret_ids=["one"], sleep=_never)
    assert len(found.values) == 1


def _never(_: float) -> None:
    raise AssertionError("it waits")
