"""`rotate audit …` as a person and a script use it."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.terminal import on_terminal


@pytest.fixture
def rotate(tmp_path: Path) -> RotateCommand:
    """A home with one secret that was read once."""
    command = RotateCommand(home=tmp_path / "home")
    command.ok("init")
    command.ok("secret", "create", "db/app", value="v1")
    command.ok("secret", "get", "db/app")
    return command


def test_records_are_shown_filtered_and_exported(rotate: RotateCommand) -> None:
    """Newest first, by secret and event, a page at a time; exported oldest first with their places."""
    shown = rotate.json("audit", "show", "--secret", "db/app")["records"]
    assert [record["event"] for record in shown] == ["GetSecretValue", "CreateSecret"]
    assert rotate.json("audit", "show", "--event", "Nothing")["records"] == []
    of_it = ("--secret", "db/app")
    first = rotate.json("audit", "show", "--limit", "1", "--since", "1h", *of_it)
    second = rotate.json("audit", "show", "--cursor", first["next_cursor"], *of_it)
    assert first["records"] + second["records"] == shown
    lines = rotate("audit", "export", *of_it).out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2]
    told = rotate("audit", "show").out
    assert all(event in told for event in ("GetSecretValue", "LookupEvents", "ExportAudit"))


def test_tampering_is_told_with_exit_code_7(rotate: RotateCommand, tmp_path: Path) -> None:
    """An untouched audit verifies, against kept heads too; an altered record is named."""
    kept = tmp_path / "heads.json"
    kept.write_text(rotate("audit", "heads", "--output", "json").out)
    rotate("audit", "checkpoint")
    assert "as they were written" in rotate("audit", "verify", "--against", str(kept)).out
    connection = sqlite3.connect(tmp_path / "home" / "rotator.db")
    with connection:
        connection.execute("UPDATE audit SET principal = 'local:nobody' WHERE seq = 2")
    connection.close()
    told = rotate("audit", "verify")
    assert told.code == 7
    assert "ALTERED  shard 0, record 2" in told.out


def test_old_records_are_pruned(rotate: RotateCommand) -> None:
    """What is old goes, with a record of it; what is left verifies."""
    assert rotate.json("audit", "prune", "--keep", "1d", "--yes")["removed"] == 0
    assert rotate.json("audit", "prune", "--keep", "0m", "--yes")["removed"] == 2
    verified = rotate("audit", "verify").out
    assert "as they were written" in verified
    assert "1 secret is as its last recorded changes left it." in verified
    assert rotate("audit", "prune", "--yes").code == 2


def test_one_record_is_one(tmp_path: Path) -> None:
    """What is said of a single record is said of one."""
    rotate = RotateCommand(home=tmp_path / "home")
    rotate.ok("init")
    rotate.ok("secret", "create", "db/app", value="v1")
    prune = ("audit", "prune", "--before", datetime.now(UTC).isoformat())
    assert rotate.ok(*prune, "--dry-run").out == "1 record would be removed.\n"
    assert rotate.ok(*prune, "--yes").out == "1 record was removed.\n"


def test_a_pruning_can_be_tried_before(rotate: RotateCommand) -> None:
    """A dry run says how many records would go, and removes none; it leaves one itself."""
    dry = ("audit", "prune", "--dry-run", "--keep")
    assert rotate.ok(*dry, "0m").out == "2 records would be removed.\n"
    assert rotate.ok(*dry, "1d").out == "No record is that old.\n"
    assert rotate.json(*dry, "0m") == {"dry_run": True, "would_remove": 4}
    assert len(rotate("audit", "export", "--secret", "db/app").out.splitlines()) == 2


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--yes",)])
def test_a_pruning_of_what_is_to_come_is_refused(
    rotate: RotateCommand, more: tuple[str, ...]
) -> None:
    """A moment in the future, likely a slip, removes nothing."""
    refused = rotate("audit", "prune", "--before", "2999-01-01", *more)
    assert (refused.code, "in the future" in refused.err) == (2, True)
    assert len(rotate("audit", "export", "--secret", "db/app").out.splitlines()) == 2


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 2, True), ("y\n", 0, False)])
def test_a_pruning_is_asked_for(rotate: RotateCommand, typed: str, code: int, left: bool) -> None:
    """On a terminal it waits for a yes; where there is nobody to ask it needs --yes."""
    prune = ("audit", "prune", "--keep", "0m")
    refused = rotate(*prune)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    answers = (("Remove 2 audit records", typed),)
    assert on_terminal(rotate, *prune, answers=answers)[0] == code
    assert ("GetSecretValue" in rotate("audit", "export").out) is left


def test_a_broken_audit_is_looked_at_all_the_same(rotate: RotateCommand, tmp_path: Path) -> None:
    """Where nothing can be added to the audit, its records are shown and exported, and verifying says what is wrong."""
    connection = sqlite3.connect(tmp_path / "home" / "rotator.db")
    with connection:
        connection.execute("UPDATE audit_heads SET seal = x'00'")
    connection.close()
    assert rotate("secret", "get", "db/app").code == 8
    shown = rotate("audit", "show")
    assert (shown.code, "GetSecretValue" in shown.out, "unrecorded" in shown.err) == (0, True, True)
    assert "GetSecretValue" in rotate("audit", "export").out
    assert rotate("audit", "verify").code == 7


def test_without_its_key_a_store_gives_out_no_value(rotate: RotateCommand, tmp_path: Path) -> None:
    """A read that can't be recorded fails with exit code 8; what records nothing goes on."""
    key = tmp_path / "home" / "audit.key"
    key.rename(tmp_path / "elsewhere")
    refused = rotate("secret", "get", "db/app", "--reveal")
    assert refused.code == 8
    assert "v1" not in refused.out
    assert "audit key" in refused.err
    rotate.ok("db", "check")
    assert rotate("doctor").code == 8
