"""`rotate principal …` and `rotate policy simulate` as an operator uses them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.command import RotateCommand
from tests.support.leaks import files_under, leaks

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Office",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:*:*:secret:db/*",
            "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        }
    ],
}
_SECRET = "correct-horse-battery-staple"


def test_the_life_of_a_principal(rotate: RotateCommand, tmp_path: Path) -> None:
    """Made, given a policy and keys, asked what it may, kept out, deleted; no secret of a key lies on the disk."""
    rotate.ok("init")
    assert "rotate principal create NAME" in rotate.ok("principal", "list").out
    made = rotate.json("init", "--admin", "root")
    assert (made["admin"], "admin" in made["made"]) == ("root", True)
    assert "admin" not in rotate.json("init", "--admin", "root")["made"]
    rotate.ok("secret", "create", "db/app", value="v")
    assert "rotate principal keys create alice" in rotate.ok("principal", "create", "alice").out
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(_POLICY))
    rotate.ok("principal", "policy", "put", "alice", "office", "--file", str(policy))
    assert json.loads(rotate.ok("principal", "policy", "get", "alice", "office").out) == _POLICY
    key = rotate.json("principal", "keys", "create", "alice")
    brought = ("principal", "keys", "create", "alice", "--access-key-id", "alice_of_old_times")
    rotate.ok(*brought, value=_SECRET)
    listed = rotate.json("principal", "keys", "list", "alice")["access_keys"]
    assert {each["access_key_id"] for each in listed} == {
        key["access_key_id"],
        "alice_of_old_times",
    }

    asks = ("policy", "simulate", "--principal", "alice", "--action", "GetSecretValue")
    asked = (*asks, "--secret", "db/app")
    no, yes = rotate(*asked), rotate.ok(*asked, "--context", "aws:SourceIp=192.0.2.7").out
    assert no.code == 9
    assert no.out.startswith("no: no identity-based policy allows it\n")
    told = rotate(*asked, "--output", "json")
    assert (told.code, told.json["exit_code"], told.json["allowed"]) == (9, 9, False)
    assert yes.startswith("yes: allowed by an identity-based policy\n")
    assert "user/alice policy office, statement Office" in yes
    found = rotate.json(*asked, "--context", "aws:SourceIp=192.0.2.7")
    assert (found["allowed"], found["found"]) == (True, True)

    assert rotate("policy", "simulate", "--principal", "alice", "--action", "GetSecret").code == 2
    in_small = (*asks[:-1], "secretsmanager:getsecretvalue", *asked[len(asks) :])
    assert rotate(*in_small, "--context", "aws:SourceIp=192.0.2.7").out.startswith("yes")

    assert "rotate principal group create GROUP" in rotate.ok("principal", "group", "list").out
    rotate.ok("principal", "group", "create", "readers")
    assert rotate.json("principal", "group", "list")["groups"][0]["members"] == []
    rotate.ok("principal", "group", "add", "readers", "alice")
    [readers] = rotate.json("principal", "group", "list")["groups"]
    assert (readers["name"], readers["members"], readers["policies"]) == ("readers", ["alice"], {})
    listed = rotate.ok("principal", "group", "list").out
    assert ("MEMBERS" in listed, "alice" in listed) == (True, True)
    rotate.ok("principal", "keys", "disable", "alice_of_old_times")
    rotate.ok("principal", "disable", "alice")
    [alice] = [
        each for each in rotate.json("principal", "list")["principals"] if each["name"] == "alice"
    ]
    assert (alice["disabled"], alice["groups"], alice["access_keys"]) == (True, ["readers"], 2)
    assert "alice is disabled" in rotate(*asked).out
    wrong = rotate("principal", "delete", "readers").err
    assert "There is a group of this name." in wrong
    rotate.ok("principal", "delete", "alice")
    assert "alice" not in rotate.ok("principal", "list").out
    assert rotate("principal", "delete", "alice").code == 3
    secrets = [key["secret_access_key"], _SECRET]
    assert not leaks(secrets, files_under(rotate.home))


def test_rows_that_somebody_altered_are_seen_before_they_count_again(rotate: RotateCommand) -> None:
    """`review` shows each row and which were altered; `repair` takes its code; who is refused is told where to look."""
    rotate.ok("init", "--admin", "root")
    rotate.ok("principal", "create", "alice")
    right = rotate.ok("principal", "review")
    assert "All of them are as they were written." in right.out
    with closing(sqlite3.connect(rotate.home / "rotator.db")) as store, store:
        store.execute("UPDATE principals SET disabled = 1 WHERE name = 'alice'")
    assert "rotate principal review" in rotate("principal", "list").err
    doctor = rotate("doctor")
    assert (doctor.code, "rotate principal review" in doctor.out) == (8, True)
    shown = rotate("principal", "review")
    assert shown.code == 7
    assert "ALTERED: user arn:aws:iam::000000000000:user/alice\n    disabled: True" in shown.out
    assert "as recorded: user arn:aws:iam::000000000000:user/root" in shown.out
    code = rotate("principal", "review", "--output", "json").json["code"]
    assert rotate("principal", "repair", "--code", "no").code == 2
    assert "2 rows" in rotate.ok("principal", "repair", "--code", code).out
    [alice, _] = rotate.json("principal", "list")["principals"]
    assert (alice["name"], alice["disabled"]) == ("alice", True)
    rotate.ok("audit", "verify")
