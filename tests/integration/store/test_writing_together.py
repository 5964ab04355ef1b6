"""Writers that may share a transaction: each is kept or not by itself."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from rotator.errors import FencedOut
from rotator.store.store import Store, Tx
from rotator.store.tables import sealing_check
from tests.support.store import only_sqlite

_INSERT = insert(sealing_check)
_KEYS = select(sealing_check.c.key_id).order_by(sealing_check.c.key_id)
_Act = Callable[[Tx], str]


def _adds(key_id: str, *, then: Exception | None = None) -> _Act:
    def act(tx: Tx) -> str:
        tx.execute(_INSERT, {"key_id": key_id, "wrapped_key": b"x"})
        if then is not None:
            raise then
        return key_id

    return act


def _keys(store: Store) -> list[str]:
    with store.read() as tx:
        return list(tx.execute(_KEYS).scalars())


def _at_once(store: Store, acts: list[_Act]) -> list[Future[str]]:
    """What became of writers that all came while another was writing."""
    with ThreadPoolExecutor(len(acts) + 1) as threads:
        with store.write():
            first = threads.submit(store.write_with_others, _adds("first"))
            # Nobody else can tell that it has begun, without the others, and waits for its turn.
            while not store._writers._led or store._writers._waiting:
                time.sleep(0.001)
            others = [threads.submit(store.write_with_others, act) for act in acts]
            while len(store._writers._waiting) < len(acts):
                time.sleep(0.001)
        assert first.result(30) == "first"
    return others


@only_sqlite
def test_who_comes_while_another_writes_shares_a_transaction(store: Store) -> None:
    """Eight that wait are written in one transaction, and each gets its own answer."""
    seen: list[Tx] = []

    def seeing(act: _Act) -> _Act:
        def look(tx: Tx) -> str:
            seen.append(tx)
            return act(tx)

        return look

    names = [f"key {number}" for number in range(8)]
    written = _at_once(store, [seeing(_adds(name)) for name in names])
    assert [each.result(30) for each in written] == names
    assert _keys(store) == ["first", *names]
    assert len(set(map(id, seen))) == 1


@only_sqlite
def test_one_that_fails_keeps_nothing_and_the_others_do(store: Store) -> None:
    """Who is refused learns why, and nobody else does; what it had written is gone."""
    acts = [
        _adds("a"),
        _adds("b", then=FencedOut("b's")),
        _adds("c", then=LookupError()),
        _adds("d"),
    ]
    a, b, c, d = _at_once(store, acts)
    assert (a.result(30), d.result(30)) == ("a", "d")
    assert isinstance(b.exception(30), FencedOut)
    assert isinstance(c.exception(30), LookupError)
    assert _keys(store) == ["a", "d", "first"]


def test_a_lone_writer_is_told_what_went_wrong(store: Store) -> None:
    """Its own error comes out, and nothing is kept; then it can write."""
    for error in (FencedOut("no"), LookupError("no")):
        with pytest.raises(type(error), match="no"):
            store.write_with_others(_adds("k", then=error))
    assert store.write_with_others(_adds("k")) == "k"
    with pytest.raises(IntegrityError):
        store.write_with_others(_adds("k"))
    assert _keys(store) == ["k"]
