"""Notices on their way to those who are to be told."""

import threading
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from rotator.daemon.notices import Notices
from rotator.sdk import Notice, NoticeKind
from tests.support.waiting import eventually

NOTICE = Notice(
    kind=NoticeKind.FAILED,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    secret_name="db/app",
    secret_arn="arn",
    rotator="generic",
)


class _Told:
    """One who is told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def notify(self, notice: Notice, *, deadline: float) -> None:
        del deadline
        self.notices.append(notice)


def _no_thread(_thread: threading.Thread) -> NoReturn:
    raise RuntimeError("can't start new thread")


def test_a_notice_that_found_no_thread_goes_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without a thread to give ends nobody's line for good."""
    told = _Told()
    notices = Notices({"me": told})
    counts: list[str] = []

    def counted(_name: str, outcome: str) -> None:
        counts.append(outcome)

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", _no_thread)
        notices.send(NOTICE, counted=counted)
    notices.send(NOTICE, counted=counted)
    assert eventually(lambda: counts == ["sent", "sent"])
    assert told.notices == [NOTICE, NOTICE]
    notices.close()


class _Leaves(_Told):
    """One who would end the process, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.left = False

    def notify(self, notice: Notice, *, deadline: float) -> None:
        if not self.left:
            self.left = True
            raise SystemExit(1)
        super().notify(notice, deadline=deadline)


def test_a_notifier_that_would_end_the_process_is_asked_again() -> None:
    """What it raises counts as a failure like any other, and its line goes on."""
    told = _Leaves()
    notices = Notices({"me": told})
    counts: list[str] = []
    notices.send(NOTICE, counted=lambda _name, outcome: counts.append(outcome))
    notices.close()
    assert eventually(lambda: counts == ["sent"])
    assert told.notices == [NOTICE]
