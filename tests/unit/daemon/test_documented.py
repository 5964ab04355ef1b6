"""docs/daemon.md names whatever an operator meets: events, metrics, kinds of notices, conditions."""

import re
from pathlib import Path

from rotator.daemon.health import Condition
from rotator.daemon.metrics import Metrics
from rotator.sdk import NoticeKind

_HOUSE = Path(__file__).parents[3]
_EVENT = re.compile(r"(?:log|tell)(?:\.\w+)?\(\s*\"([a-z_.]+)\"")
_SAMPLE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)


def _documented() -> set[str]:
    return set(re.findall(r"`([\w./-]+)`", (_HOUSE / "docs/daemon.md").read_text()))


def test_every_event_is_documented() -> None:
    """Both ways: none is missing, and none is described that nobody writes."""
    logged: set[str] = set()
    for module in (_HOUSE / "rotator/daemon").glob("*.py"):
        logged |= set(_EVENT.findall(module.read_text()))
    assert len(logged) > 25
    assert logged <= _documented()
    rooms = {event.split(".")[0] for event in logged}
    page = (_HOUSE / "docs/daemon.md").read_text()
    table = re.findall(r"^\| (`[^|]*) \|", page[page.index("## The log") :], re.MULTILINE)
    described = {name for row in table for name in re.findall(r"`([\w.]+)`", row)}
    assert described <= logged
    assert {name.split(".")[0] for name in described} == rooms


def test_every_metric_is_documented() -> None:
    """By the name under which Prometheus keeps it."""
    kept = {
        name for name, kind in _SAMPLE.findall(Metrics().text().decode()) if "_created" not in name
    }
    assert len(kept) > 10
    assert kept <= _documented()


def test_every_notice_and_condition_is_documented() -> None:
    """What a receiver or a probe may get."""
    assert {str(kind) for kind in NoticeKind} <= _documented()
    assert {str(condition) for condition in Condition} <= _documented()
