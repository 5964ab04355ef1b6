"""What a person reads of an old credential: until when it logs in, who uses it, whether it is retired, what to do."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from rotator.cli.commands.status import progress_lines
from rotator.cli.reports import report_lines
from rotator.model.rotation import Failure, Phase, Status
from rotator.rotation.reasons import NEW_REFUSED, SESSIONS_ENDED, VOID, not_begun, still_used
from rotator.rotation.records import RotationRecord
from rotator.rotation.report import Report, StepRecord
from rotator.sdk import Overlap, Use

_AT = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
_USES = (Use(user="app", client="10.0.0.1"),)


def told(status: Status, phases: Iterable[Phase], **fields: Any) -> str:
    """The report of a run that came to these phases."""
    detail = fields.pop("detail", None)
    steps = tuple(
        StepRecord(phase=phase, attempt=1, outcome="ok", seconds=0.1, detail=detail)
        for phase in phases
    )
    report = Report(
        secret_arn="arn", secret_name="db/app", rotation_id="r", token="t", status=status, attempts=1,
        overlap=Overlap.ALTERNATING, steps=steps, labels_before={}, labels_after={}, resumed=True,
        **{"failure": None} | fields,
    )  # fmt: skip
    return "\n".join(report_lines(report))


def shown(status: Status, **fields: Any) -> str:
    """What `status` says of a rotation."""
    record = RotationRecord(
        rotation_id="r", token="t", status=status, phase=Phase.RETIRE, attempt=1, requested_by="local:alice",
        overlap=Overlap.ALTERNATING, owner=None, created_at=_AT, ended_at=None,
        **{"next_attempt_at": None, "failure": None} | fields,
    )  # fmt: skip
    return "\n".join(progress_lines("db/app", record))


@pytest.mark.parametrize(
    ("detail", "sessions"),
    [(None, "these sessions go on until they end"), (SESSIONS_ENDED, "these sessions were ended")],
)
def test_who_used_what_was_retired(detail: str | None, sessions: str) -> None:
    """The report says what has become of the sessions, and calls no retirement resumed."""
    said = told(Status.SUCCEEDED, [Phase.RETIRE], in_use=_USES, detail=detail)
    assert "db/app: old credential retired" in said
    assert f"was still in use by app from 10.0.0.1; {sessions}" in said
    assert "resumed" not in said


def test_who_is_waited_for() -> None:
    """A retirement that waits says for whom, until when, and how not to; it doesn't call that a grace period."""
    said = told(
        Status.GRACE, [Phase.RETIRE], in_use=_USES, retire_at=_AT, failure=still_used(_USES)
    )
    assert "old credential not retired yet" in said
    assert "is still in use by app from 10.0.0.1" in said
    assert "looked for again at 2026-11-21 18:00:00 UTC" in said
    assert "rotate retire db/app" in said
    assert "logs in until" not in said


def test_a_compromised_credential_is_told_dead() -> None:
    """A run that rotates and retires says both."""
    said = told(Status.SUCCEEDED, [Phase.FINISH, Phase.RETIRE])
    assert "db/app: rotated in" in said
    assert "the old credential logs in no more" in said


@pytest.mark.parametrize(
    ("status", "failure", "parts"),
    [
        (Status.UNRETIRED, NEW_REFUSED, ("old credential not retired", "rotate retire db/app")),
        (
            Status.UNRETIRED,
            not_begun("there is no rotator acme any more", old="v1"),
            ("old credential not retired", "v1", "acme", "rotate now db/app"),
        ),
        (Status.ABANDONED, VOID, ("old credential not retired: a stored value needs it again",)),
    ],
)
def test_what_was_not_retired(status: Status, failure: Failure, parts: tuple[str, ...]) -> None:
    """Nobody reads that the rotation failed, which had succeeded before: only the retirement did."""
    said = told(status, [], failure=failure)
    assert [part for part in parts if part not in said] == []
    assert "not rotated" not in said


def test_status_tells_what_is_waited_for() -> None:
    """A grace period has an end and who acts then; after it, those who are waited for and when that is over."""
    grace = shown(Status.GRACE, next_attempt_at=_AT)
    assert "the old credential logs in until 2026-11-21 18:00:00 UTC" in grace
    assert "rotate retire db/app" in grace
    waits = shown(
        Status.GRACE,
        next_attempt_at=_AT,
        waits_until=_LATER,
        in_use="still in use by app from 10.0.0.1",
        failure=still_used(_USES),
    )
    assert "logs in until" not in waits
    assert waits.count("app from 10.0.0.1") == 1
    assert "looked for again at 2026-11-21 18:00:00 UTC" in waits
    assert "retired at 2026-11-21 19:00:00 UTC at the latest" in waits


def test_status_tells_what_is_left() -> None:
    """After a retirement that failed how to try again; after one that did not, nothing that sounds as if it had."""
    assert "rotate retire db/app" in shown(Status.UNRETIRED, failure=NEW_REFUSED)
    retired = shown(Status.SUCCEEDED, retired=True, in_use="still in use by app from 10.0.0.1")
    assert "as it was retired, the old credential was still in use by app" in retired
