"""What a script sees: one exit code for each kind of outcome, on the real command."""

import socket
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.plugin import install_plugin
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

SECRET = "db/app"

# A target that takes the change and then falls silent; it can be neither probed nor put back.
SILENT_TARGET = """
from rotator.sdk import (
    Authority, OutcomeUnknown, Overlap, Preflight, Proof, Rotator, SecretValue, TargetRefused
)


class Plugin(Rotator):
    name = "silent"
    summary = "a target that never answers"

    def claims(self, value):
        return Authority(users=("app",))

    def preflight(self, rotation):
        return Preflight(overlap=Overlap.GAP)

    def create_secret(self, rotation):
        return SecretValue.from_json({"password": "silent-new-password"})

    def set_secret(self, rotation):
        raise OutcomeUnknown("the connection was lost after the change was sent")

    def test_secret(self, rotation):
        raise OutcomeUnknown("the connection was lost")
"""

# A target that accepts no value at all any more.
LOST_TARGET = (
    SILENT_TARGET.replace("silent", "lost")
    + """
    def probe(self, rotation, candidate):
        return Proof.REFUSED

    def revert_secret(self, rotation):
        raise TargetRefused("there is nothing left to log in with")
"""
)


def test_1_a_rotation_that_failed_and_left_the_target_as_it_was(
    rotate: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """Where the target can't be reached the attempts are spent, and the credential is the old one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(role) | {"port": port})
    rotate.ok("rotation", "set", SECRET, "--rotator", "postgresql-single-user")
    ran = rotate("now", SECRET, "--output", "json", ROTATOR_RETRY_ATTEMPTS="1")
    assert ran.code == 1
    (rotation,) = ran.json["rotations"]
    assert rotation["report"]["status"] == "failed"
    assert rotation["report"]["failure"]["kind"] == "unreachable"


@pytest.mark.parametrize(
    "arguments",
    [
        ("now", "--all", SECRET),
        ("nonsense",),
        ("--config", "absent.yaml", "status"),
        ("rotation", "set", SECRET, "--schedule", "rate(0 minutes)"),
        ("secret", "create", "not a name"),
        ("secret", "create", SECRET),
        ("secret", "get", SECRET, "--stage", ""),
    ],
)
def test_2_wrong_usage(ready: RotateCommand, arguments: tuple[str, ...]) -> None:
    """A wrong command line, setting, name or schedule."""
    assert ready(*arguments, value="value").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("now", "nowhere"),
        ("plan", "nowhere"),
        ("secret", "get", "nowhere"),
        ("secret", "get", SECRET, "--field", "nothing"),
        ("rotation", "set", SECRET, "--rotator", "nobody"),
        ("now", "--prefix", "nothing"),
    ],
)
def test_3_no_such_secret_or_rotator(ready: RotateCommand, arguments: tuple[str, ...]) -> None:
    """Something that a command names isn't there."""
    assert ready(*arguments).code == 3


def test_4_a_rotation_of_it_is_running(ready: RotateCommand) -> None:
    """Of two `rotate now` at once one runs and the other says who holds it."""
    first = ready.start("now", SECRET, ROTATOR_BARRIER_DRAIN="20", ROTATOR_BARRIER_LIMIT="30")
    try:
        assert eventually(lambda: "setSecret" in ready("status", SECRET).out)
        second = ready("now", SECRET)
        assert second.code == 4
        assert f"process {first.pid}" in second.out
    finally:
        first.kill()
        first.communicate()
    assert ready("resume", SECRET).code == 0
    ready.ok("verify", SECRET)


def test_6_a_person_is_needed(rotate: RotateCommand, tmp_path: Path) -> None:
    """A target that accepts none of the stored values and can't be put back: diverged."""
    install_plugin(tmp_path, "lost", LOST_TARGET)
    rotate.environment["PYTHONPATH"] = str(tmp_path)
    rotate.environment["ROTATOR_RETRY_ATTEMPTS"] = "1"
    rotate.environment["ROTATOR_RETRY_REVERTS"] = "1"
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value={"password": "old"})
    rotate.ok("rotation", "set", SECRET, "--rotator", "lost")
    ran = rotate("now", SECRET)
    assert ran.code == 6
    assert "a person has to look" in ran.out


def test_7_preflight_says_no(rotate: RotateCommand, pg18: DatabaseServer) -> None:
    """A privileged role without the allowance: plan and now refuse, and nothing was changed."""
    rotate.ok("init")
    admin = pg18.new_role("boss", attributes="LOGIN SUPERUSER")
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(admin))
    rotate.ok("rotation", "set", SECRET, "--rotator", "postgresql-single-user")
    assert rotate("plan", SECRET).code == 7
    refused = rotate("now", SECRET, "--output", "json")
    assert refused.code == 7
    assert refused.json["rotations"][0]["error"]["error"] == "PreflightRefused"
    assert pg18.can_log_in(admin)
    rotate.ok("rotation", "set", SECRET, "--allow-privileged")
    rotate.ok("now", SECRET)
    assert not pg18.can_log_in(admin)


def test_8_no_store(rotate: RotateCommand) -> None:
    """Before `rotate init` there is no store, and every command says how to make one."""
    ran = rotate("status")
    assert ran.code == 8
    assert "rotate init" in ran.err


def test_9_another_account(ready: RotateCommand) -> None:
    """What belongs to another account isn't this caller's to read."""
    arn = ready.json("secret", "describe", SECRET)["arn"]
    ran = ready("secret", "get", arn, ROTATOR_ACCOUNT="111111111111")
    assert ran.code == 9
    assert "local:" in ran.err


def test_10_nobody_can_tell(rotate: RotateCommand, tmp_path: Path) -> None:
    """A rotator that can neither probe nor revert leaves an unverified rotation; the next run takes its token."""
    install_plugin(tmp_path, "silent", SILENT_TARGET)
    rotate.environment["PYTHONPATH"] = str(tmp_path)
    rotate.environment["ROTATOR_RETRY_ATTEMPTS"] = "1"
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value={"password": "old"})
    rotate.ok("rotation", "set", SECRET, "--rotator", "silent")
    ran = rotate("now", SECRET, "--output", "json")
    assert ran.code == 10
    first = ran.json["rotations"][0]["report"]
    assert first["labels_after"]["AWSPENDING"] == first["token"]
    again = rotate("now", SECRET, "--output", "json").json["rotations"][0]["report"]
    assert again["token"] == first["token"]


def test_an_abort_that_was_proved_is_done(
    ready: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """Giving up a rotation whose process was killed exits 0 when the old credential is shown to log in."""
    killed = ready.start("now", SECRET, ROTATOR_BARRIER_DRAIN="20", ROTATOR_BARRIER_LIMIT="30")
    try:
        assert eventually(lambda: "setSecret" in ready("status", SECRET).out)
        checked = ready.json("verify", SECRET)["secrets"]
        assert (checked[0]["result"], checked[0]["running"]) == ("accepted", True)
    finally:
        killed.kill()
        killed.communicate()
    aborted = ready("abort", SECRET, "--output", "json")
    assert (aborted.code, aborted.json["exit_code"]) == (0, 0)
    assert aborted.json["rotations"][0]["report"]["status"] == "failed"
    assert pg18.can_log_in(role)
    assert ready.json("verify", SECRET)["secrets"][0]["running"] is False


def test_a_target_that_cant_be_asked_is_told_from_drift(
    rotate: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """Verify exits 7 for both, but says that it doesn't know where no server answered; one stops no other."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rotate.ok("init")
    values = {
        "away": pg18.secret_value(role) | {"port": port},
        "drifted": pg18.secret_value(Role(name=role.name, password="another")),
        "good": pg18.secret_value(role),
    }
    for name, value in values.items():
        rotate.ok("secret", "create", name, value=value)
        rotate.ok("rotation", "set", name, "--rotator", "postgresql-single-user")
    ran = rotate("verify", "--all", "--output", "json")
    assert ran.code == 7
    results = {check["secret"]: check["result"] for check in ran.json["secrets"]}
    assert results == {"away": "unknown", "drifted": "refused", "good": "accepted"}
    text = rotate("verify", "--all").out
    assert "away: not known, the target could not be asked" in text
    assert "drifted: DRIFT: the target refuses" in text
    assert rotate("verify", "away").code == 7


def test_the_gravest_kind_wins(ready: RotateCommand, tmp_path: Path) -> None:
    """Of a rotated, a missing and an unverified secret the unverified one decides."""
    install_plugin(tmp_path, "silent", SILENT_TARGET)
    ready.environment["PYTHONPATH"] = str(tmp_path)
    ready.environment["ROTATOR_RETRY_ATTEMPTS"] = "1"
    ready.ok("secret", "create", "other", value={"password": "old"})
    ready.ok("rotation", "set", "other", "--rotator", "silent")
    assert ready("now", SECRET, "nowhere", "other").code == 10


def test_a_broken_plugin_is_listed_and_harms_nobody(ready: RotateCommand, tmp_path: Path) -> None:
    """Plugins and doctor name it, the others go on working, and to use it is a usage error."""
    install_plugin(tmp_path, "broken", "raise RuntimeError('no licence')")
    ready.environment["PYTHONPATH"] = str(tmp_path)
    listed = {entry["name"]: entry for entry in ready.json("plugins")["rotators"]}
    assert "no licence" in listed["broken"]["error"]
    assert listed["postgresql-single-user"]["error"] is None
    assert "broken can't be used" in ready.ok("doctor").out
    ready.ok("now", SECRET)
    assert ready("rotation", "set", SECRET, "--rotator", "broken").code == 2
