"""`rotate prove`: live logins while a secret rotates, on real servers, and what it says of strategies that lie."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, RotateCommand
from tests.support.mysql import MysqlDatabase
from tests.support.plugins import DISTRIBUTION
from tests.support.postgres import DatabaseServer, Role
from tests.support.terminal import on_terminal
from tests.support.waiting import eventually

SECRET = "db/app"
TWO = ("--clients", "2")  # one of each kind


@pytest.fixture
def alternating(rotate: RotateCommand, pg18: DatabaseServer, role: Role) -> RotateCommand:
    """The command with a secret that rotates by `postgresql-alternating-users`."""
    rotate.ok("init")
    rotate.ok("secret", "create", "db/admin", value=pg18.secret_value(pg18.superuser))
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(role))
    name = "postgresql-alternating-users"
    rotate.ok("rotation", "set", SECRET, "--rotator", name, "--admin", "db/admin")
    return rotate


@pytest.fixture
def plugged(rotate: RotateCommand, tmp_path: Path) -> RotateCommand:
    """The command with the tests' plugins, and a file for a target."""
    rotate.environment["PYTHONPATH"] = str(DISTRIBUTION)
    (tmp_path / "target").write_text("first password")
    rotate.ok("init")
    value = {"username": "app", "password": "first password", "folder": str(tmp_path)}
    rotate.ok("secret", "create", SECRET, value=value)
    return rotate


def seen(ran: Ran) -> dict[str, Any]:
    """What each kind of client saw."""
    return {kind["kind"]: kind for kind in ran.json["proof"]["clients"]}


def clients_of(home: Path) -> list[int]:
    """The processes of clients that use this home."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if b"rotator.cli.proof_client" in line and os.fsencode(home) in environment:
                found.append(int(process.name))
    return found


def test_a_gap_is_closed_by_the_barrier(ready: RotateCommand) -> None:
    """Fetching clients see no failure on PostgreSQL's single user; who holds is refused once each time, and heals."""
    ran = ready("prove", SECRET, *TWO, "--repeat", "2", "--hold", "60", "--yes", "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    proof, clients = ran.json["proof"], seen(ran)
    assert (proof["overlap"], proof["rotations"], proof["kept"]) == ("gap", 2, True)
    assert clients["fetching"]["broken"] == clients["fetching"]["lost"] == 0
    assert clients["holding"]["broken"] == clients["holding"]["lost"] == 0
    # It holds for longer than the proof lasts, so it is refused after each rotation.
    assert clients["holding"]["held"] == 2
    assert clients["fetching"]["logins"] > 0
    assert "rotation 2 of 2" in ran.err


def test_alternating_users_let_everybody_in(alternating: RotateCommand) -> None:
    """Neither who fetches nor who holds is refused, rotation after rotation; the result has tables and a timeline."""
    ran = alternating("prove", SECRET, *TWO, "--repeat", "3", "--hold", "0.3", "--yes")
    assert ran.code == 0, ran.out + ran.err
    cells = [re.split(r"\s{2,}", line.strip()) for line in ran.out.splitlines()]
    table = {row[0]: row[1:] for row in cells}
    assert table["CLIENTS"] == ["1 FETCHING", "1 HOLDING"]
    for failures in (
        "failures",
        "against the promise",
        "held, read again",
        "clients still failing",
    ):
        assert table[failures] == ["0", "0"]
    assert "0" not in table["logins"]
    assert "3 rotations of 3, overlap alternating" in ran.out
    assert "R" in ran.out.partition("rotation  ")[2].partition("\n")[0]
    assert "HELD: no login fails" in ran.out


def test_two_passwords_until_the_old_one_is_retired(
    rotate: RotateCommand, either: MysqlDatabase
) -> None:
    """On MySQL and MariaDB nobody is refused, the end of the grace period included; then the old password is."""
    account = either.new_account()
    rotate.environment["ROTATOR_ROTATION_GRACE"] = "1"
    rotate.ok("init")
    rotate.ok("secret", "create", "db/admin", value=either.secret_value(either.superuser))
    rotate.ok("secret", "create", SECRET, value=either.secret_value(account))
    name = f"{either.engine}-single-user"
    rotate.ok("rotation", "set", SECRET, "--rotator", name, "--admin", "db/admin")

    refused = rotate("prove", SECRET, "--hold", "1", "--yes")
    assert refused.code == 2
    assert "grace period of 1s" in refused.err
    assert rotate.reveal(SECRET)["password"] == account.password

    ran = rotate("prove", SECRET, "--repeat", "2", *TWO, "--yes", "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    proof, clients = ran.json["proof"], seen(ran)
    assert (proof["overlap"], proof["grace"], proof["hold"]) == ("dual", 1.0, 0.5)
    assert (proof["rotations"], proof["retired"], proof["kept"]) == (2, 2, True)
    assert clients["fetching"]["failures"] == clients["holding"]["failures"] == 0
    new, old = rotate.reveal(SECRET), rotate.reveal(SECRET, "--stage", "AWSPREVIOUS")
    assert either.can_log_in(account.with_password(new["password"]))
    assert not either.can_log_in(account.with_password(old["password"]))


def test_a_strategy_that_lies_is_found_out(plugged: RotateCommand) -> None:
    """A rotator that says `dual` and kills the old password at once fails the proof, which ends there."""
    plugged.ok("rotation", "set", SECRET, "--rotator", "boasting")
    ran = plugged("prove", SECRET, "--repeat", "9", "--hold", "3000", *TWO, "--yes", "-o", "json")
    assert ran.code == 5, ran.out + ran.err
    proof, holding = ran.json["proof"], seen(ran)["holding"]
    assert not proof["kept"]
    assert proof["rotations"] == 1
    assert "promised not to" in proof["ended_early"]
    assert holding["broken"] > 0
    assert ["refused", holding["broken"]] in holding["reasons"]


def test_ctrl_c_stops_all_clients(ready: RotateCommand) -> None:
    """What was seen so far is shown, no client is left, and the secret goes on rotating."""
    running = ready.start("prove", SECRET, "--repeat", "1000", "--hold", "1", "--yes")
    assert running.stderr is not None
    for line in running.stderr:
        if "rotation 1 of 1000" in line:
            break
    assert len(clients_of(ready.home)) == 4
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=60)
    assert running.returncode == 130, error
    assert "Interrupted; the clients have stopped" in error
    assert "longest gap" in out
    assert eventually(lambda: clients_of(ready.home) == [])
    ready.ok("now", SECRET)
    ready.ok("verify", SECRET)


def test_clients_end_with_a_proof_that_is_killed(ready: RotateCommand) -> None:
    """Nobody goes on logging in for a proof that is gone."""
    running = ready.start("prove", SECRET, "--repeat", "1000", "--yes")
    assert running.stderr is not None
    for line in running.stderr:
        if "clients log in\n" in line:
            break
    running.kill()
    running.communicate()
    assert eventually(lambda: clients_of(ready.home) == [])


def test_nobody_is_surprised(ready: RotateCommand) -> None:
    """It says what it will do and asks; without a terminal it wants to be told. Nothing is changed before."""
    before = ready.reveal(SECRET)
    ran = ready("prove", SECRET)
    assert ran.code == 2
    assert "--yes" in ran.err
    code, shown = on_terminal(ready, "prove", SECRET, answers=(("[y/N]", "n\n"),))
    assert code == 2
    assert "hundreds of logins a second" in shown
    assert ready.reveal(SECRET) == before


def test_clients_that_do_not_fit_are_found_before_anything_changes(
    plugged: RotateCommand, tmp_path: Path
) -> None:
    """A target without room for them is told, and no rotation begins."""
    plugged.ok("rotation", "set", SECRET, "--rotator", "crowded")
    ran = plugged("prove", SECRET, *TWO, "--yes")
    assert ran.code == 7, ran.out + ran.err
    assert "no free connection slot" in ran.err
    assert "--clients" in ran.err
    assert (tmp_path / "target").read_text() == "first password"


def test_there_is_nothing_to_prove_where_nothing_outside_changes(plugged: RotateCommand) -> None:
    """A value that nobody logs in with is refused, and told why."""
    plugged.ok("rotation", "set", SECRET, "--rotator", "generic")
    ran = plugged("prove", SECRET, "--yes")
    assert ran.code == 7
    assert "nothing to log in to" in ran.err
