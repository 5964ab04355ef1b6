"""Looking after secrets on the command line: all but values and rotations."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.terminal import on_terminal

SECRET = "db/app"
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
        }
    ],
}


@pytest.fixture
def home(rotate: RotateCommand) -> RotateCommand:
    """A home with one secret."""
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, "--description", "first", value="v1")
    return rotate


def test_what_is_said_of_a_secret_changes(home: RotateCommand) -> None:
    """Description, tags and value are changed by themselves; what isn't named stays as it is."""
    home.ok("secret", "update", SECRET, "--description", "the shop")
    home.ok("secret", "tag", SECRET, "team=a", "stage=production", "empty=")
    home.ok("secret", "tag", SECRET, "team=b")
    untagged = home.ok("secret", "untag", SECRET, "stage", "no such tag").out
    assert untagged == f"{SECRET} has no tag stage any more.\n{SECRET} had no tag no such tag.\n"
    about = home.json("secret", "describe", SECRET)
    assert (about["description"], about["tags"]) == ("the shop", {"team": "b", "empty": ""})
    assert list(about["versions"].values()) == [["AWSCURRENT"]]

    updated = home.json("secret", "update", SECRET, "--value", value="v2\n")
    assert updated["stages"] == ["AWSCURRENT"]
    assert home.json("secret", "get", SECRET, "--reveal")["secret_string"] == "v2"
    assert home.json("secret", "describe", SECRET)["description"] == "the shop"
    assert "team=b" in home.ok("secret", "describe", SECRET).out


def test_a_label_moves_back_and_off(home: RotateCommand) -> None:
    """AWSCURRENT goes back to the version before; without --from the error says where it is."""
    old = home.json("secret", "describe", SECRET)["versions"]
    new = home.json("secret", "put", SECRET, value="v2")["version_id"]
    [before] = old
    refused = home("secret", "stage", SECRET, "AWSCURRENT", "--to", before)
    assert refused.code == 2
    assert new in refused.err
    home.ok("secret", "stage", SECRET, "AWSCURRENT", "--to", before, "--from", new)
    assert home.ok("secret", "get", SECRET, "--reveal").out == "v1\n"
    assert home.json("secret", "describe", SECRET)["versions"] == {
        before: ["AWSCURRENT"],
        new: ["AWSPREVIOUS"],
    }
    moved = home.json("secret", "stage", SECRET, "AWSPREVIOUS", "--from", new)
    assert moved["name"] == SECRET


def test_a_deletion_is_taken_back_or_final(home: RotateCommand) -> None:
    """Within its recovery window a secret can be restored; with --force it is gone, its name free."""
    deleted = home.json("secret", "delete", SECRET, "--recovery-window", "7")
    assert deleted["deletion_date"]
    assert home("secret", "get", SECRET).code == 2
    home.ok("secret", "restore", SECRET)
    assert home.ok("secret", "get", SECRET, "--reveal").out == "v1\n"

    refused = home("secret", "delete", SECRET, "--force")
    assert refused.code == 2
    assert "--yes" in refused.err
    home.ok("secret", "delete", SECRET, "--force", "--yes")
    assert home("secret", "describe", SECRET).code == 3
    home.ok("secret", "create", SECRET, value="again")


def test_what_is_past_its_window_is_purged(home: RotateCommand) -> None:
    """Not a secret whose window still runs; a name that is gone can be used again."""
    home.ok("secret", "delete", SECRET)
    assert home.ok("secret", "purge").out == "No secret's recovery window is over.\n"
    with closing(sqlite3.connect(home.home / "rotator.db")) as store, store:
        store.execute("UPDATE secrets SET purge_at = deleted_at")
    assert home.ok("secret", "purge").out == "1 secret removed for good.\n"
    assert home.json("secret", "purge") == {"removed": 0, "kept": [], "retired": []}
    assert home("secret", "describe", SECRET).code == 3
    home.ok("secret", "create", SECRET, value="again")


@pytest.mark.parametrize(
    ("typed", "code", "left"),
    [("n\n", 2, 0), ("\n", 2, 0), ("\4", 2, 0), ("\3", 130, 0), ("yes\n", 0, 3)],
)
def test_somebody_is_asked_on_a_terminal(
    home: RotateCommand, typed: str, code: int, left: int
) -> None:
    """A deletion waits for a yes; anything else leaves the secret alone."""
    question = f"Delete {SECRET} at once and for good?"
    answers = ((question, typed),)
    ended, seen = on_terminal(home, "secret", "delete", SECRET, "--force", answers=answers)
    assert question in seen
    assert ended == code
    assert home("secret", "describe", SECRET).code == left


def test_policies(home: RotateCommand, tmp_path: Path) -> None:
    """A policy is checked before it is put, shown as it was given, and taken off again."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(PUBLIC))
    checked = home("secret", "policy", "validate", "--file", str(policy), "--output", "json")
    assert checked.code == 7
    assert [problem["check"] for problem in checked.json["problems"]] == ["BROAD_ACCESS"]
    assert home("secret", "policy", "validate", value="{").code == 7

    refused = home("secret", "policy", "put", SECRET, "--block-public", value=PUBLIC)
    assert refused.code == 2
    home.ok("secret", "policy", "put", SECRET, "--file", str(policy))
    assert home.ok("secret", "policy", "show", SECRET).out == policy.read_text() + "\n"
    home.ok("secret", "policy", "delete", SECRET)
    assert home.json("secret", "policy", "show", SECRET)["policy"] is None


def test_passwords(home: RotateCommand) -> None:
    """One line for each password and nothing else, of the characters that were asked for."""
    made = home.ok("password", "--count", "5", "--length", "20", "--exclude-punctuation").out
    assert len(set(made.split())) == 5
    assert all(len(password) == 20 and password.isalnum() for password in made.split())
    digits = home.json(
        *("password", "--length", "6", "--exclude-uppercase", "--exclude-lowercase"),
        *("--exclude-punctuation", "--exclude-characters", "01"),
    )["passwords"]
    assert len(digits) == 1
    assert set(digits[0]) <= set("23456789")
    assert home("password", "--length", "3").code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("secret", "update", SECRET), "--description"),
        (("secret", "update", SECRET, "--description", "x", "--binary"), "--value"),
        (("secret", "update", SECRET, "--key", "alias/nowhere"), "alias/nowhere"),
        (("secret", "tag", SECRET, "team"), "KEY=VALUE"),
        (("secret", "tag", SECRET, "aws:x=y"), "reserved"),
        (("secret", "stage", SECRET, "AWSCURRENT"), "MoveToVersionId"),
        (("secret", "delete", SECRET, "--recovery-window", "3"), "between 7 and 30"),
        (("secret", "policy", "put", SECRET, "--file", "absent.json"), "absent.json"),
    ],
)
def test_wrong_usage_says_what_is_right(
    home: RotateCommand, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, as text and as JSON, with what to do instead."""
    ran = home(*arguments)
    assert ran.code == 2
    assert says in ran.err
    as_json = home(*arguments, "--output", "json")
    assert (as_json.code, as_json.error["exit_code"]) == (2, 2)
    assert as_json.out == ""


def test_a_secret_is_replicated_and_promoted(home: RotateCommand) -> None:
    """Among the configured regions: replicas are told, one that fails with its reason, and one becomes a secret."""
    config = home.home / "config.yaml"
    config.write_text("regions: [eu-west-1, eu-west-2]")
    config.chmod(0o600)
    assert home("secret", "replicate", SECRET, "mars-1").code == 2
    done = home.json("secret", "replicate", SECRET, "eu-west-1", "eu-west-2")
    assert [(one["region"], one["status"]) for one in done["regions"]] == [
        ("eu-west-1", "InSync"),
        ("eu-west-2", "InSync"),
    ]
    assert "eu-west-1: InSync" in home.ok("secret", "describe", SECRET).out
    home.ok("secret", "promote", SECRET, "eu-west-2")
    again = home("secret", "replicate", SECRET, "eu-west-2")
    assert (again.code, "already exists" in again.out) == (5, True)
    assert home("secret", "delete", SECRET, "--yes").code == 2
    home.ok("secret", "unreplicate", SECRET, "eu-west-1", "eu-west-2")
    home.ok("audit", "verify")
