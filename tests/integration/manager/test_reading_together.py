"""GetSecretValue for several callers at once: each has its own outcome, and all have one commit."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, count, repeat

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.errors import (
    AccessDenied,
    AuditBroken,
    DecryptionFailure,
    InvalidRequest,
    ResourceNotFound,
    StoreUnavailable,
    ValidationError,
)
from rotator.manager.auditing import Auditing
from rotator.manager.looking import MOST_LOOKS, ValueRead
from rotator.manager.manager import SecretsManager
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.caller import Caller
from rotator.model.rotation import FRESH
from rotator.store import secrets, tables
from rotator.store.audit_search import AuditFilter, AuditRecord
from rotator.store.store import Store
from rotator.store.tx import Tx
from tests.support.manager import ALICE, ME, row_id, value
from tests.support.principals import principal, statement


def read(number: int, secret_id: str, caller: Caller = ALICE, **given: str) -> ValueRead:
    return ValueRead(caller=caller, request_id=f"read-{number}", secret_id=secret_id, **given)


def records(store: Store) -> dict[str, AuditRecord]:
    """The records of the reads by request id, of which each has one at most."""
    page = Auditing(store).show(**ME, where=AuditFilter(), limit=200)
    found = [record for record in page.records if record.request_id.startswith("read-")]
    by_request = {record.request_id: record for record in found}
    assert len(by_request) == len(found)
    return by_request


@pytest.fixture(autouse=True)
def _secrets(manager: SecretsManager) -> None:
    for name in ("one", "two", "held", "altered"):
        manager.create_secret(**ME, name=name, value=value(f"of {name}"))


def test_each_has_an_outcome_of_its_own(manager: SecretsManager, store: Store) -> None:
    """Values, refusals, a barrier, an altered row; each but the one that waits has one record, of how it ended."""
    blue = principal(manager, "blue", statement(Resource="arn:aws:secretsmanager:*:*:secret:one-*"))
    with store.write() as tx:
        until = tx.now + timedelta(seconds=60)
        secrets.update(tx, row_id(tx, "held"), barrier_raised_at=tx.now, barrier_until=until)
        altered = tables.versions.c.secret_id == row_id(tx, "altered")
        tx.execute(update(tables.versions).where(altered).values(ciphertext=b"x" * 40))
    reads = [
        read(0, "one"),
        read(1, "nothing"),
        read(2, "two", blue),
        read(3, "held"),
        read(4, "altered"),
        read(5, "one", version_id="short"),
        read(6, "one", blue),
        read(7, "two"),
    ]

    outcomes = manager.read_secret_values(reads)

    values = {number: outcomes[number] for number in (0, 6, 7)}
    assert [
        found.value.string for found in values.values() if isinstance(found, SecretValueResult)
    ] == [
        "of one",
        "of one",
        "of two",
    ]
    assert isinstance(outcomes[1], ResourceNotFound)
    assert isinstance(outcomes[2], AccessDenied)
    assert isinstance(outcomes[3], Delayed)
    assert isinstance(outcomes[4], DecryptionFailure)
    assert isinstance(outcomes[5], ValidationError)
    ended = {request: record.outcome for request, record in records(store).items()}
    assert ended == {
        "read-0": "succeeded",
        "read-1": "failed",
        "read-2": "denied",
        "read-4": "failed",
        "read-5": "failed",
        "read-6": "succeeded",
        "read-7": "succeeded",
    }


def test_it_leaves_what_one_read_leaves(manager: SecretsManager, store: Store) -> None:
    """The same records, to the letter, as the same reads one after the other, and the same notes of the day."""
    blue = principal(manager, "blue", statement(Resource="arn:aws:secretsmanager:*:*:secret:one-*"))
    asked = [("one", ALICE, {}), ("two", blue, {}), ("nothing", ALICE, {"version_stage": "x"})]
    together = [read(number, name, who, **given) for number, (name, who, given) in enumerate(asked)]
    alone = [replace(each, request_id=f"read-1{each.request_id[-1]}") for each in together]
    manager.read_secret_values(together)
    for each in alone:
        try:
            manager.read_secret_value(**each.given)
        except (AccessDenied, ResourceNotFound):
            continue
    found = records(store)
    for one, other in zip(together, alone, strict=True):
        left, right = found[one.request_id], found[other.request_id]
        said = [
            (
                each.principal,
                each.event,
                each.secret_arn,
                each.version_id,
                each.outcome,
                each.detail,
            )
            for each in (left, right)
        ]
        assert said[0] == said[1]
    assert manager.describe_secret(**ME, secret_id="one").accessed_on is not None
    assert manager.describe_secret(**ME, secret_id="held").accessed_on is None


def test_nobody_is_answered_whose_record_is_not_kept(manager: SecretsManager, store: Store) -> None:
    """Where the commit fails it fails for all of them, refusals included, and nothing is on record."""
    altered = update(tables.audit_heads).values(mac=b"x" * 32)
    with store.write() as tx:
        kept = {row.shard: row.mac for row in tx.execute(tables.audit_heads.select())}
        tx.execute(altered)
    with pytest.raises(AuditBroken):
        manager.read_secret_values([read(0, "one"), read(1, "nothing"), read(2, "two")])
    with store.write() as tx:
        for shard, mac in kept.items():
            of_shard = tables.audit_heads.c.shard == shard
            tx.execute(update(tables.audit_heads).where(of_shard).values(mac=mac))
    assert records(store) == {}


def test_a_value_that_is_old_by_the_commit_is_looked_up_again(
    manager: SecretsManager, store: Store, sealer: Sealer
) -> None:
    """For who is to be answered it is as of just now, and recorded once; where it is old each time, nobody has it."""
    manager.put_secret_value(**ME, secret_id="one", value=value("newer"))
    at = chain([0.0], repeat(FRESH * 2))
    slow = SecretsManager(store, sealer, clock=lambda: next(at))
    [found] = slow.read_secret_values([read(0, "one")])
    assert isinstance(found, SecretValueResult)
    assert found.value.string == "newer"
    ticks = count()
    slower = SecretsManager(store, sealer, clock=lambda: float(next(ticks)))
    outcomes = slower.read_secret_values([read(1, "one"), read(2, "two")])
    assert all(isinstance(each, StoreUnavailable) for each in outcomes)
    assert next(ticks) > 2 * MOST_LOOKS
    assert set(records(store)) == {"read-0", "read-1", "read-2"}


def test_what_changed_before_the_commit_is_given_as_it_is_then(
    manager: SecretsManager, store: Store, sealer: Sealer
) -> None:
    """Of several that are old by the commit each is as of just now: changed, deleted, held back, or as it was."""

    def changes() -> Iterator[float]:
        yield 0.0
        manager.put_secret_value(**ME, secret_id="one", value=value("newer"))
        manager.delete_secret(**ME, secret_id="altered", recovery_window_in_days=7)
        with store.write() as tx:
            until = tx.now + timedelta(seconds=60)
            secrets.update(tx, row_id(tx, "held"), barrier_raised_at=tx.now, barrier_until=until)
        yield from repeat(FRESH * 2)

    at = changes()
    slow = SecretsManager(store, sealer, clock=lambda: next(at))
    names = ("one", "two", "held", "altered")
    one, two, held, deleted = slow.read_secret_values(
        [read(n, name) for n, name in enumerate(names)]
    )
    assert isinstance(one, SecretValueResult)
    assert one.value.string == "newer"
    assert isinstance(two, SecretValueResult)
    assert two.value.string == "of two"
    assert isinstance(held, Delayed)
    assert isinstance(deleted, InvalidRequest)


def test_many_that_are_old_by_the_commit_take_one_more_look(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked up again together, as they were the first time."""
    begun: list[AbstractContextManager[Tx]] = []
    begin = store.read

    def counted() -> AbstractContextManager[Tx]:
        begun.append(begin())
        return begun[-1]

    monkeypatch.setattr(store, "read", counted)
    at = chain([0.0], repeat(FRESH * 2))
    slow = SecretsManager(store, sealer, clock=lambda: next(at))
    outcomes = slow.read_secret_values([read(n, name) for n, name in enumerate(("one", "two"))])
    assert all(isinstance(each, SecretValueResult) for each in outcomes)
    assert len(begun) == 2
