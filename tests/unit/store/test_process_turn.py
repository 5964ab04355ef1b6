"""The turn to write, among processes; each `ProcessTurn` has files of its own, as each process has."""

import fcntl
import threading
from pathlib import Path

import pytest

from rotator.store.process_turn import ProcessTurn
from tests.support.waiting import eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def _somebody_waits(path: Path) -> bool:
    """Whether the place next to the turn is taken."""
    with Path(f"{path}-next").open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_who_has_waited_goes_before_who_has_just_been(path: Path) -> None:
    """The one that gives the turn up, and wants it again at once, has it after the one that waits."""
    one, other = (ProcessTurn(path, patience=60) for _ in range(2))
    served: list[str] = []

    def serve(turn: ProcessTurn, name: str) -> None:
        assert turn.take()
        served.append(name)
        turn.give_up()

    assert one.take()
    waiting = threading.Thread(target=serve, args=(other, "other"))
    waiting.start()
    assert eventually(lambda: _somebody_waits(path))
    one.give_up()
    serve(one, "one")
    waiting.join()
    assert served == ["other", "one"]


def test_who_does_not_come_back_is_not_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while one goes on without the turn, and for some time then does not wait for it at all."""
    frozen, other = ProcessTurn(path), ProcessTurn(path, patience=0.01)
    assert frozen.take()
    assert not other.take()
    other.give_up()

    def wait(_: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr("rotator.store.process_turn.time.sleep", wait)
    assert not other.take()
    frozen.give_up()
    assert other.take()


def test_a_turn_ends_with_its_process(path: Path) -> None:
    """What was open is closed by the system, and the next one has the turn."""
    gone, other = ProcessTurn(path), ProcessTurn(path)
    assert gone.take()
    del gone
    assert other.take()


def test_what_is_closed_in_the_middle_goes_on(path: Path) -> None:
    """A turn that somebody has is kept until it is given up."""
    one, other = ProcessTurn(path), ProcessTurn(path, patience=0.0)
    assert one.take()
    one.close()
    assert not other.take()
    one.give_up()
    assert other.take()
    other.give_up()
    assert one.take()


def test_without_a_place_for_files_there_are_no_turns(tmp_path: Path) -> None:
    """The database alone keeps writers apart then."""
    turn = ProcessTurn(tmp_path / "none" / "store.db")
    assert not turn.take()
    turn.give_up()
