"""The ticker: what comes when, though the wall clock be set."""

import time
from queue import SimpleQueue

from rotator.daemon.clockwork import Act, Clockwork

HOUR = 3600.0


class Wall:
    """A wall clock that can be set."""

    set_by = 0.0

    def __call__(self) -> float:
        return time.time() + self.set_by


def test_a_clock_that_was_set_back_prolongs_no_wait() -> None:
    """What was to come in an hour, and every hour, comes when the clock has gone on by one and is set back by it."""
    wall, acts = Wall(), SimpleQueue[Act]()
    with Clockwork(acts.put, wall=wall) as clockwork:
        clockwork.once("look", lambda: None, seconds=HOUR)
        clockwork.every("chores", lambda: None, seconds=HOUR)
        clockwork.follow_clock()
        assert acts.empty()

        wall.set_by = -HOUR
        clockwork.follow_clock()

        for _ in range(2):
            acts.get(timeout=60)


def test_what_comes_as_the_clock_is_set_back_ends_nothing() -> None:
    """A moment that comes between two looks at what is to come is nobody's trouble."""
    wall, acts = Wall(), SimpleQueue[Act]()
    rounds, at_once = 200, 20
    with Clockwork(acts.put, wall=wall) as clockwork:
        for _ in range(rounds):
            for number in range(at_once):
                clockwork.once(f"look-{number}", lambda: None, seconds=0.0)
            wall.set_by -= HOUR
            clockwork.follow_clock()
    assert not acts.empty()
