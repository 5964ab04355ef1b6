"""What can't begin is told, and not again and again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rotator.daemon.planner import Task
from rotator.daemon.refusals import Refusals
from rotator.errors import InvalidRequest, RotationInProgress, StoreUnavailable
from rotator.sdk import Notice, NoticeKind

_DUE = datetime(2026, 1, 2, tzinfo=UTC)
_TASK = Task(
    arn="arn:db", name="db", rotator="postgresql-single-user", target="db:5432", since=_DUE
)
_GONE = InvalidRequest("db's admin secret is gone.")


def test_a_refusal_is_told_once_in_a_window() -> None:
    """However often the same due task is refused; the next window's is told anew, and so is one after it had begun."""
    told: list[Notice] = []
    refusals = Refusals(told.append)
    for second in range(5):
        refusals.refused(_TASK, _GONE, None, now=float(second))
    (notice,) = told
    assert (notice.kind, notice.secret_name, notice.reason) == (
        NoticeKind.REFUSED,
        "db",
        "db's admin secret is gone.",
    )
    refusals.refused(replace(_TASK, since=_DUE + timedelta(minutes=5)), _GONE, "4f1c", now=8.0)
    assert len(told) == 1
    refusals.refused(replace(_TASK, since=_DUE + timedelta(days=1)), _GONE, "4f1c", now=9.0)
    assert [notice.rotation for notice in told] == [None, "4f1c"]
    refusals.begun(_TASK)
    refusals.refused(_TASK, _GONE, None, now=10.0)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("error", "told_at"),
    [
        (StoreUnavailable("away"), [5]),
        (RotationInProgress("another's"), []),
        (ZeroDivisionError("a value"), [1]),
        (None, []),
    ],
)
def test_what_passes_by_itself_is_told_when_it_lasts(
    error: Exception | None, told_at: list[int]
) -> None:
    """A store that is away is told after half a minute, and that another process is at it never."""
    told: list[Notice] = []
    refusals = Refusals(told.append)
    seen: list[int] = []
    for number in range(1, 9):
        refusals.refused(_TASK, error, None, now=0.0)
        if len(told) > len(seen):
            seen.append(number)
    assert seen == told_at


def test_a_message_that_nobody_wrote_is_not_passed_on() -> None:
    """The text of an error that nobody foresaw may quote a value."""
    told: list[Notice] = []
    Refusals(told.append).refused(_TASK, ZeroDivisionError("a value"), None, now=0.0)
    assert told[0].reason is None
    assert b"a value" not in told[0].to_json()


def test_what_another_daemon_did_first_is_not_left_alone_for_longer_and_longer() -> None:
    """Whoever comes second each time is there a moment later, should the other one end."""
    refusals = Refusals(lambda _: None)
    for minute in range(10):
        refusals.refused(_TASK, None, None, now=60.0 * minute)
        assert refusals.held(60.0 * minute) == {_TASK.arn}
        assert refusals.held(60.0 * minute + 2) == frozenset()
