"""Reads of many threads on SQLite: one thread looks for all that wait, in the transaction of their records."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from rotator.errors import ResourceNotFound
from rotator.store.notes import AuditEntry
from rotator.store.store import Store
from rotator.store.tables import audit
from rotator.store.tx import Tx
from tests.support.store import only_sqlite
from tests.support.waiting import eventually

pytestmark = only_sqlite


def _entry(number: int) -> AuditEntry:
    return AuditEntry(
        request_id=f"request-{number}",
        account="123456789012",
        region="eu-central-1",
        principal="local:alice",
        event="GetSecretValue",
        secret_arn=None,
        version_id=None,
        outcome="succeeded",
    )


def _recorded(store: Store) -> list[str]:
    with store.read() as tx:
        return sorted(tx.execute(select(audit.c.request_id)).scalars())


def _looked(store: Store, numbers: range, *, bad: int, error: Exception) -> list[object]:
    """What each of several looks that share a transaction answered, or failed with."""
    first_began, go_on = threading.Event(), threading.Event()

    def first(_: Tx) -> str:
        first_began.set()
        assert go_on.wait(30)
        return "first"

    def look(number: int, tx: Tx) -> int:
        if number == bad:
            raise error
        tx.record(_entry(number))
        return number

    def outcome(number: int) -> object:
        try:
            return store.look_with_others(lambda tx: look(number, tx))
        except (ResourceNotFound, ValueError) as failure:
            return failure

    with ThreadPoolExecutor(len(numbers) + 1) as threads:
        leading = threads.submit(store.look_with_others, first)
        assert first_began.wait(30)
        others = [threads.submit(outcome, number) for number in numbers]
        assert eventually(lambda: len(store._group._waiting) == len(numbers))
        go_on.set()
        assert leading.result(30) == "first"
        return [other.result(30) for other in others]


@pytest.mark.parametrize("error", [ResourceNotFound("not here"), ValueError("a bug")])
def test_a_look_that_fails_fails_alone(store: Store, error: Exception) -> None:
    """The others of its transaction are answered, each with what it looked up, and recorded once each."""
    outcomes = _looked(store, range(6), bad=3, error=error)
    assert outcomes == [0, 1, 2, error, 4, 5]
    assert _recorded(store) == [f"request-{number}" for number in (0, 1, 2, 4, 5)]


def test_nobody_is_answered_whose_record_is_not_kept(store: Store) -> None:
    """A record that the audit can't take leaves no answer and no record."""

    def look(tx: Tx) -> str:
        tx.record(_entry(1)._replace(event=None))  # type: ignore[arg-type]
        return "the value"

    with pytest.raises(Exception, match="audit"):
        store.look_with_others(look)
    assert _recorded(store) == []
