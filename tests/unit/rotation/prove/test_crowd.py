"""Clients in processes of their own: what they report is heard, and none outlives the proof."""

import json
import sys
from textwrap import dedent

import pytest

from rotator.rotation.prove.crowd import ClientGone, Crowd
from rotator.rotation.prove.logins import Login
from rotator.rotation.prove.serving import Order
from tests.support.plugins import is_running
from tests.unit.rotation.prove.made import FETCHING, login

_LIMIT = 30.0  # seconds; reached only where something is broken
_REPORT = json.dumps({"login": login(version="v2").to_wire()})
ORDER = Order(number=0, kind=FETCHING, secret="arn", hold=1.5, settings=None)


def command(script: str) -> list[str]:
    return [sys.executable, "-S", "-c", "import os, sys, time\n" + dedent(script)]


def logins_of(script: str, *, farewell: float = 10.0, clients: int = 1) -> list[Login]:
    """What such clients report until the first of them has reported something."""
    heard: list[Login] = []
    crowd = Crowd(command(script), heard.append, farewell=farewell)
    with crowd.running([ORDER] * clients):
        assert crowd.wait_for(lambda: len(heard) >= clients, limit=_LIMIT)
    return heard


def test_reports_are_heard() -> None:
    """Each line is a login, from every client."""
    script = f"print({_REPORT!r}, flush=True); sys.stdin.read()"
    assert logins_of(script, clients=2) == [login(version="v2")] * 2


def test_a_client_gets_its_order() -> None:
    """The first line on its standard input says what it is to do."""
    script = f"""
    line = sys.stdin.readline()
    if line == {ORDER.to_line()!r}:
        print({_REPORT!r}, flush=True)
    sys.stdin.read()
    """
    assert logins_of(script)
    assert Order.from_line(ORDER.to_line()) == ORDER


def test_what_a_client_reports_at_the_end_counts() -> None:
    """A login that it was in when it was told to stop is heard too."""
    script = f"""
    print({_REPORT!r}, flush=True)
    sys.stdin.read()
    print({_REPORT!r}, flush=True)
    """
    assert len(logins_of(script)) == 2


def test_a_client_that_does_not_stop_is_killed() -> None:
    """One that hangs in a login ends with the proof all the same."""
    report = json.dumps({"login": login(message="PID").to_wire()})
    script = f"print({report!r}.replace('PID', str(os.getpid())), flush=True); time.sleep(600)"
    (heard,) = logins_of(script, farewell=0.01)
    assert heard.message is not None
    assert not is_running(int(heard.message))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sys.exit(3)", "ended by itself \\(exit code 3\\)"),
        ('print(\'{"gone": "the store is locked"}\', flush=True)', "the store is locked"),
    ],
)
def test_a_client_that_ends_by_itself_is_told(script: str, said: str) -> None:
    """Without it the proof would show fewer clients than were asked for."""
    crowd = Crowd(command(script), lambda _: None)
    with crowd.running([ORDER]), pytest.raises(ClientGone, match=said):
        crowd.wait_for(lambda: False, limit=_LIMIT)


def test_waiting_has_a_limit() -> None:
    """What doesn't come true is told as that."""
    crowd = Crowd(command("sys.stdin.read()"), lambda _: None)
    with crowd.running([ORDER]):
        assert not crowd.wait_for(lambda: False, limit=0.0)
