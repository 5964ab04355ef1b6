"""Programs and endpoints that pass notices on: what they are given, and what counts as passed on."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rotator.sdk import Misconfigured, Notice, NoticeKind, StepError, clock
from rotators.external import CommandNotifier, WebhookNotifier
from tests.support.documentation import shown
from tests.support.receiver import receiving

_KEY = "0123456789abcdef0123456789abcdef"
_VERIFYING: dict[str, Any] = {}
exec(shown("plugins.md", language="python", having="def verified"), _VERIFYING)
_NOTICE = Notice(
    kind=NoticeKind.FAILED,
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    secret_name="db/app",
    secret_arn="arn:aws:secretsmanager:r:1:secret:db/app-abcdef",
    rotator="postgresql-single-user",
    target="db:5432",
    rotation="r1",
    reason="the server refused it: „nein“",
)


def _program(folder: Path, code: int) -> str:
    path = folder / "tell"
    told = folder / "told"
    path.write_text(
        f"#!{sys.executable} -IS\nimport sys\n"
        f"open({str(told)!r}, 'wb').write(sys.stdin.buffer.read())\nsys.exit({code})\n"
    )
    path.chmod(0o755)
    return str(path)


def test_a_program_is_given_the_notice(tmp_path: Path) -> None:
    """The whole notice is its standard input, as JSON with a format of its own."""
    notifier = CommandNotifier(argv=[_program(tmp_path, 0)], timeout=20, environment=())
    notifier.notify(_NOTICE, deadline=clock() + 20)
    assert json.loads((tmp_path / "told").read_bytes()) == {
        "format": 1,
        "kind": "rotation.failed",
        "at": "2026-01-02T03:04:05+00:00",
        "secret_name": "db/app",
        "secret_arn": "arn:aws:secretsmanager:r:1:secret:db/app-abcdef",
        "rotator": "postgresql-single-user",
        "target": "db:5432",
        "rotation": "r1",
        "reason": "the server refused it: „nein“",
        "hint": None,
    }


def test_a_program_that_fails_or_may_be_changed_by_others_is_told(tmp_path: Path) -> None:
    """An exit code other than 0 is no delivery, and a program that others may write to is not run at all."""
    program = _program(tmp_path, 3)
    notifier = CommandNotifier(argv=[program], timeout=20, environment=())
    with pytest.raises(StepError, match="exit code 3"):
        notifier.notify(_NOTICE, deadline=clock() + 20)
    (tmp_path / "told").unlink()
    Path(program).chmod(0o777)
    with pytest.raises(Misconfigured, match="changed by other users"):
        notifier.notify(_NOTICE, deadline=clock() + 20)
    assert not (tmp_path / "told").exists()


def test_an_endpoint_gets_the_notice_signed() -> None:
    """The signature is that of requests to rotators; a status that is no success is no delivery."""
    with receiving() as receiver:
        notifier = WebhookNotifier(url=receiver.url, key=_KEY, timeout=20, trust=None)
        notifier.notify(_NOTICE, deadline=clock() + 20)
        receiver.statuses = [500]
        with pytest.raises(StepError, match="status 500"):
            notifier.notify(_NOTICE, deadline=clock() + 20)
    (first, body), (second, _) = receiver.posted
    assert body == _NOTICE.to_json()
    assert _VERIFYING["verified"](_KEY, first, body, set())
    assert not _VERIFYING["verified"](_KEY[::-1], first, body, set())
    assert first["Rotator-Delivery"] != second["Rotator-Delivery"]
