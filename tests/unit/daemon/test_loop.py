"""The daemon's loop: it goes on, whatever an act does."""

import io
import json
from collections.abc import Iterator

import pytest

from rotator import telemetry
from rotator.daemon.loop import Loop


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged, as JSON lines."""
    stream = io.StringIO()
    telemetry.configure(level="info", json=True, stream=stream)
    yield stream
    telemetry.configure(level="warning")


def test_an_act_that_fails_is_told_without_its_message_and_the_next_one_follows(
    logged: io.StringIO,
) -> None:
    """An error that nobody foresaw ends neither the loop nor shows what it quotes."""
    done: list[str] = []

    def fail() -> None:
        raise LookupError("hunter2")

    loop = Loop()
    loop.put(fail)
    loop.put(lambda: done.append("next"))
    for _ in range(2):
        loop.turn(seconds=60)
    assert done == ["next"]
    assert json.loads(logged.getvalue())["error"] == "LookupError"
    assert "hunter2" not in logged.getvalue()
