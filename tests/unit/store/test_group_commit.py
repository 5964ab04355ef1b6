"""Group commit: one thread commits for all that wait."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from rotator.errors import StoreUnavailable
from rotator.store.group_commit import GroupCommit


class Log:
    """Where items are committed; the first commit waits until the test lets it go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def commit(self, items: Sequence[str]) -> None:
        if not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(30)
        if "bad" in items:
            raise ValueError(f"bad among {len(items)}")
        if "lost" in items:
            raise StoreUnavailable("The store is gone.")
        self.batches.append(list(items))


def _submitted(log: Log, items: Sequence[str]) -> list[BaseException | None]:
    """What became of items of which all but the first come while that is being committed."""
    group = GroupCommit(log.commit)
    with ThreadPoolExecutor(len(items) + 1) as threads:
        first = threads.submit(group.submit, "first")
        assert log.begun.wait(30)
        others = [threads.submit(group.submit, item) for item in items]
        while len(group._waiting) < len(items):  # nobody else can tell that they wait
            threading.Event().wait(0.001)
        log.let_go.set()
        assert first.exception(30) is None
        return [other.exception(30) for other in others]


def test_who_comes_during_a_commit_is_committed_together_by_the_next() -> None:
    """Eight that wait for one commit share the one after it."""
    log = Log()
    items = [f"item {number}" for number in range(8)]
    assert _submitted(log, items) == [None] * 8
    assert log.batches[0] == ["first"]
    assert sorted(log.batches[1]) == items
    assert len(log.batches) == 2


def test_a_bad_item_fails_alone() -> None:
    """Its neighbours are committed each by itself, and only who brought it is told."""
    log = Log()
    bad, *others = _submitted(log, ["bad", "one", "two"])
    assert isinstance(bad, ValueError)
    assert others == [None, None]
    assert sorted(log.batches) == [["first"], ["one"], ["two"]]


def test_where_the_store_fails_everybody_is_told() -> None:
    """Nobody is answered as if his item had been committed, and each has an error of his own."""
    failures = _submitted(Log(), ["one", "lost", "two"])
    assert [type(failure) for failure in failures] == [StoreUnavailable] * 3
    assert len({id(failure) for failure in failures}) == 3


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    """Who waited for it is told that nothing was committed, and the next one goes on."""

    def commit(items: Sequence[str]) -> None:
        if items == ["one"]:
            raise KeyboardInterrupt

    group = GroupCommit(commit)
    with pytest.raises(KeyboardInterrupt):
        group.submit("one")
    group.submit("two")
