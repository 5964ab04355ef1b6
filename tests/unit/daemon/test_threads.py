"""Threads that are used again."""

import threading
from functools import partial
from queue import SimpleQueue

import pytest

from rotator.daemon import threads
from rotator.daemon.threads import Threads
from tests.support.waiting import eventually

_MANY = 200


def test_one_act_after_the_other_is_done_by_the_same_thread() -> None:
    """An act that comes when the one before is over starts no thread."""
    pool = Threads()
    seen: SimpleQueue[threading.Thread] = SimpleQueue()
    used: set[threading.Thread] = set()
    for number in range(5):
        pool.start(f"act-{number}", lambda: seen.put(threading.current_thread()))
        used.add(seen.get(timeout=60))
        assert eventually(lambda: len(pool._idle) == 1)
    assert [thread.name for thread in used] == ["act-4"]


def test_acts_at_once_have_a_thread_each() -> None:
    """An act that waits for another one, which was started later, doesn't wait for ever."""
    pool = Threads()
    both = threading.Barrier(2)
    over: SimpleQueue[int] = SimpleQueue()
    for _ in range(2):
        pool.start("waits", lambda: over.put(both.wait(60)))
    assert {over.get(timeout=60), over.get(timeout=60)} == {0, 1}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that end as soon as they have nothing to do."""
    monkeypatch.setattr(threads, "_IDLE_AT_MOST", 0.0)


@pytest.mark.usefixtures("impatient")
def test_no_act_is_lost_on_a_thread_that_is_about_to_end() -> None:
    """Each act is done once, however its beginning meets the end of an idle thread's patience."""
    pool = Threads()
    done: SimpleQueue[int] = SimpleQueue()
    for number in range(_MANY):
        pool.start("counts", partial(done.put, number))
        if number % 2:
            assert done.get(timeout=60) >= 0
    rest = [done.get(timeout=60) for _ in range(_MANY // 2)]
    assert len(rest) == _MANY // 2
    assert done.empty()
    assert eventually(lambda: not pool._idle)
