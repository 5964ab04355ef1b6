"""What is written: JSON without surprises, text that can't drive the terminal."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rotator.cli.output import (
    clean,
    duration,
    moment,
    plain,
    write,
    write_json,
    write_json_items,
    write_table,
)
from rotator.model.rotation import Status
from rotator.sdk import SecretValue


@dataclass
class Result:
    at: datetime | None
    status: Status
    labels: dict[str, tuple[str, ...]]


def test_results_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Dataclasses, enums, tuples and times in any zone come out as plain JSON in UTC."""
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=1)))
    write_json(Result(at=at, status=Status.FAILED, labels={"v": ("A", "B")}))
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-01-02T02:04:05.678Z",
        "status": "failed",
        "labels": {"v": ["A", "B"]},
    }


def test_a_secret_value_is_no_output() -> None:
    """A secret value in a result is a fault, not a line of output."""
    with pytest.raises(TypeError, match="SecretValue is not for output"):
        plain({"value": SecretValue(string="hunter2")})


def test_control_characters_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A name or a server's message can't move the cursor or hide text."""
    write("a\x1b[2Jb\rc\u202e")
    assert capsys.readouterr().out == "a\ufffd[2Jb\ufffdc\ufffd\n"
    assert clean("plain\ttext\n") == "plain\ttext\n"


def test_json_drives_no_terminal_either(capsys: pytest.CaptureFixture[str]) -> None:
    """What a terminal obeys, or what hides text, is escaped; the document means the same."""
    odd = "é\x9b2J\x7f\u202e\u2028\U000e0001\ud800\x1b"
    write_json({"description": odd})
    written = capsys.readouterr().out
    assert json.loads(written) == {"description": odd}
    assert "é" in written
    assert written.replace("\n", "").isprintable()


def test_a_cell_makes_no_row_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in what somebody else wrote doesn't look like another row to who reads line by line."""
    write_table(("NAME", "N"), [("a\nb", "1\t2")])
    assert capsys.readouterr().out == "NAME  N\na b   1 2\n"


def test_a_table_is_aligned_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are as wide as their widest cell, with nothing at the end of a line."""
    write_table(("A", "LONG"), [("wide", "x"), ("y", "")])
    assert capsys.readouterr().out == "A     LONG\nwide  x\ny\n"


def test_times_are_for_people() -> None:
    """No time is a dash, short spans are milliseconds."""
    assert moment(None) == "-"
    assert moment(datetime(2026, 1, 2, tzinfo=UTC)).startswith("2026-01-0")
    assert (duration(0.0042), duration(1.5)) == ("4 ms", "1.50 s")


@pytest.mark.parametrize("items", [[], [1], [{"a": [1, 2]}, {"b": {}}, "c\nd"]])
def test_items_are_written_as_they_come(
    capsys: pytest.CaptureFixture[str], items: list[object]
) -> None:
    """A list that is written item by item is the document that it would be as a whole."""
    write_json_items("items", iter(items))
    streamed = capsys.readouterr().out
    write_json({"items": items})
    assert json.loads(streamed) == {"items": items}
    assert not items or streamed == capsys.readouterr().out


def test_a_table_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that come later are written without the headers."""
    write_table(("NAME", "N"), [("a", "1")])
    write_table(("NAME", "N"), [("b", "2")], continued=True)
    assert capsys.readouterr().out.splitlines() == ["NAME  N", "a     1", "b     2"]
