"""Logs: what is written, what never is, and what logging costs when nothing is logged."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator import telemetry
from rotator.sdk import SecretValue
from rotator.telemetry.redaction import REDACTED, redacted


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    telemetry.configure(level="info", stream=stream)
    yield stream
    telemetry.configure(level="warning")


def test_an_event_is_one_json_object_off_a_terminal(stream: io.StringIO) -> None:
    """Off a terminal each event is a line of JSON with its name, level, time and fields."""
    telemetry.logger("rotation").bind(rotation_id="r1").info("rotation.ended", seconds=0.5)
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "rotation.ended",
        "level": "info",
        "room": "rotation",
        "rotation_id": "r1",
        "seconds": 0.5,
    }


def test_text_is_for_people(stream: io.StringIO) -> None:
    """The text format has the same facts without colours where there is no terminal."""
    telemetry.configure(level="info", json=False, stream=stream)
    telemetry.logger("cli").warning("store.slow", seconds=3)
    assert "store.slow" in stream.getvalue()
    assert "seconds=3" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_events_below_the_level_are_dropped(stream: io.StringIO) -> None:
    """Only events of the configured level and above are written."""
    telemetry.configure(level="error", stream=stream)
    log = telemetry.logger("cli")
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["d"]


def test_secrets_are_kept_out_whatever_they_are_called(stream: io.StringIO) -> None:
    """A secret value object, and a field or nested field with a telling name, is never written."""
    telemetry.logger("cli").error(
        "x",
        harmless=SecretValue(string="hunter2"),
        password="hunter2",
        newPassword="hunter2",
        nested={"master-password": "hunter2", "list": [{"SecretString": "hunter2"}]},
        raw=b"hunter2",
        url="postgresql://app:hunter2@db:5432/app",
    )
    assert "hunter2" not in stream.getvalue()


def test_what_is_no_secret_stays() -> None:
    """Names, ARNs, ids, numbers and paths are what a log is for."""
    fields = {
        "secret_name": "db/app",
        "secret_arn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:db/app-AbCdEf",
        "version_id": "v1",
        "seconds": 1.5,
        "ok": True,
        "nothing": None,
        "url": "postgresql://app@db:5432/app",
    }
    assert redacted(fields) == fields


def test_unknown_types_are_named_not_shown() -> None:
    """An object that isn't known to be harmless appears as its type."""

    class Holder:
        def __repr__(self) -> str:
            return "hunter2"

    assert redacted({"holder": Holder(), "path": Path("a"), "token": 1}) == {
        "holder": "<Holder>",
        "path": "a",
        "token": REDACTED,
    }


def test_nothing_is_imported_until_something_is_logged() -> None:
    """Start-up time: structlog is loaded by the first event that is written."""
    program = (
        "import sys; from rotator import telemetry; log = telemetry.logger('cli'); log.info('a'); "
        "before = 'structlog' in sys.modules; log.error('b'); "
        "print(before, 'structlog' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "False True\n"
