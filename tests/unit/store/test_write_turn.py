"""The turn to write, among threads."""

import threading
from collections.abc import Callable

import pytest

from rotator.store.write_turn import WriteTurn
from tests.support.waiting import eventually


def _waiting(turn: WriteTurn) -> int:
    return len(turn._first) + len(turn._others)  # nothing else tells that a thread waits


class _Line:
    """Threads that wait for a turn which somebody has, one behind the other."""

    def __init__(self, turn: WriteTurn) -> None:
        self.turn = turn
        self.served: list[str] = []
        self._threads: list[threading.Thread] = []

    def add(self, name: str, *, first: bool = False) -> None:
        """Comes back when the thread waits."""
        before = _waiting(self.turn)
        thread = threading.Thread(target=self._serve, args=(name, first))
        thread.start()
        self._threads.append(thread)
        assert eventually(lambda: _waiting(self.turn) == before + 1)

    def run(self) -> list[str]:
        """Ends the turn, and gives who was served in which order."""
        self.turn.give_up()
        for thread in self._threads:
            thread.join()
        return self.served

    def _serve(self, name: str, first: bool) -> None:
        assert self.turn.take(timeout=60, first=first)
        self.served.append(name)
        self.turn.give_up()


def _taken() -> WriteTurn:
    turn = WriteTurn()
    assert turn.take(timeout=0)
    return turn


def test_who_came_earlier_writes_earlier() -> None:
    """Nobody overtakes."""
    line = _Line(_taken())
    for name in "abc":
        line.add(name)
    assert line.run() == ["a", "b", "c"]


def test_what_many_wait_for_goes_first() -> None:
    """It goes before those who came earlier, once; they keep their order."""
    line = _Line(_taken())
    line.add("a")
    line.add("b")
    line.add("the reads", first=True)
    assert line.run() == ["the reads", "a", "b"]


def test_who_waits_too_long_loses_its_place() -> None:
    """It is told so, and the turn goes to the next one."""
    turn = _taken()
    assert not turn.take(timeout=0)
    assert not turn.take(timeout=0, first=True)
    line = _Line(turn)
    line.add("a")
    assert line.run() == ["a"]
    assert turn.take(timeout=0)


def test_an_interrupted_wait_loses_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the turn has come as the wait was interrupted or not, the next one gets it."""
    for came in (False, True):
        turn = _taken()
        _interrupt(monkeypatch, before=turn.give_up if came else lambda: None)
        with pytest.raises(KeyboardInterrupt):
            turn.take(timeout=60)
        monkeypatch.undo()
        if not came:
            turn.give_up()
        assert turn.take(timeout=0)


def _interrupt(monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], None]) -> None:
    """Has the next wait interrupted, after something has happened."""
    plain = threading.Lock

    class Interrupted:
        def __init__(self) -> None:
            self._lock = plain()

        def acquire(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return self._lock.acquire()
            before()
            raise KeyboardInterrupt

        def release(self) -> None:
            self._lock.release()

    monkeypatch.setattr(threading, "Lock", Interrupted)
