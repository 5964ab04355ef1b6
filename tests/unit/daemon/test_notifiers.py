"""Notifiers are found by their entry points, those of other distributions too."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rotator.daemon.notifiers import load_notifier
from rotator.errors import ConfigurationError
from rotator.sdk import Notice, NoticeKind, clock
from tests.support import plugins

_KEY = "notifications.plugins.ops"
_TOKEN = "token-of-the-ops"


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    with plugins.installed():
        yield


def test_a_notifier_of_another_distribution_passes_notices_on(tmp_path: Path) -> None:
    """It is made with its options as keyword arguments, and needs no more than the protocol's one method."""
    told = tmp_path / "told"
    notifier = load_notifier("noting", {"file": str(told), "token": _TOKEN}, key=_KEY)
    notice = Notice(
        kind=NoticeKind.FAILED,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        secret_name="db/app",
        secret_arn="arn",
        rotator="generic",
    )
    notifier.notify(notice, deadline=clock() + 10)
    assert told.read_bytes() == notice.to_json()


def test_the_house_s_own_go_first() -> None:
    """Another distribution brings a notifier `command` too, and is not asked."""
    notifier = load_notifier(
        "command", {"argv": ["/bin/true"], "timeout": 1.0, "environment": ()}, key=_KEY
    )
    assert type(notifier).__module__ == "rotators.external.notifiers"


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("deaf", {}, "lacks notify"),
        ("noting", {"token": _TOKEN}, "it failed with TypeError"),
        ("noting", {"file": "/x", "token": "short"}, "the option token has to have 8 characters"),
        ("nowhere", {}, "there is no notifier nowhere. Installed: command, deaf, noting, webhook"),
    ],
)
def test_a_notifier_that_can_t_be_used_is_told(
    kind: str, options: dict[str, str], told: str
) -> None:
    """The setting and the reason are named, and nothing that may be secret."""
    with pytest.raises(ConfigurationError) as refused:
        load_notifier(kind, options, key=_KEY)
    message = str(refused.value)
    assert message.startswith(f"{_KEY}: ")
    assert told in message
    assert _TOKEN not in message
