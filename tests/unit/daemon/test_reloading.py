"""The configuration that takes the place of another, while the daemon's loop goes on."""

from typing import cast

from rotator.daemon.loop import Loop
from rotator.daemon.parts import Parts
from rotator.daemon.reloading import Reloaded, Reloading

_PARTS = cast("Parts", object())


def test_a_reload_that_breaks_off_is_over_and_the_next_one_is_done() -> None:
    """Whoever waits for its end hears of it, and no later one is taken for a part of it."""
    loop, told = Loop(), list[str]()

    def take(parts: Parts) -> None:
        assert parts is _PARTS
        told.append("taken")
        if told == ["taken"]:
            raise LookupError

    reloading = Reloading(
        loop,
        read=lambda: Reloaded(parts=_PARTS, changed=()),
        take=take,
        over=lambda: told.append("over"),
    )
    for _ in range(2):
        reloading.start()
        loop.turn(seconds=60)
    assert told == ["taken", "over", "taken", "over"]
