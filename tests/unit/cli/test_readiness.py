"""How ready a process is that answers the API, whoever asks and how often."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from rotator.api.parts import Page
from rotator.cli.readiness import Readiness


class _Store:
    """One whose answer may take its time."""

    def __init__(self) -> None:
        self.looks = 0
        self.now = 100.0
        self.is_there = True
        self.asked = Event()
        self.answers = Event()
        self.answers.set()

    def __call__(self) -> bool:
        self.looks += 1
        self.asked.set()
        self.answers.wait()
        return self.is_there


def _said(page: Page) -> tuple[int, bytes]:
    return page.status, page.body


def test_whoever_asks_the_store_is_looked_at_once_a_second() -> None:
    """Anybody may ask; the next look tells what has changed."""
    store = _Store()
    ready = Readiness(store, now=lambda: store.now)
    assert [_said(ready()) for _ in range(50)] == [(200, b"ready\n")] * 50
    assert store.looks == 1
    store.is_there = False
    store.now += 1
    assert _said(ready()) == (503, b"store-away\n")
    assert store.looks == 2


def test_a_store_that_does_not_answer_holds_up_one_look() -> None:
    """Others are told what was seen last, for a while; then that it is away."""
    store = _Store()
    ready = Readiness(store, now=lambda: store.now)
    ready()
    store.answers.clear()
    store.asked.clear()
    store.now += 1
    with ThreadPoolExecutor(1) as threads:
        try:
            looking = threads.submit(ready)
            assert store.asked.wait(60)
            assert _said(ready()) == (200, b"ready\n")
            store.now += 6
            assert _said(ready()) == (503, b"store-away\n")
        finally:
            store.answers.set()
        assert _said(looking.result()) == (200, b"ready\n")
