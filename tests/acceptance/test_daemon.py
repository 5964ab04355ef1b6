"""`rotate daemon` as a user runs it: what is due happens by itself, and it can be stopped and killed."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from psycopg import sql

from tests.support.command import RotateCommand
from tests.support.postgres import DatabaseServer, Role
from tests.support.waiting import eventually

SECRET = "db/app"
_MINUTE = 60_000_000  # the store counts in microseconds
_SETTINGS = {
    "ROTATOR_DAEMON_POLL": "0.2",
    "ROTATOR_DAEMON_LISTEN": "none",
    "ROTATOR_DAEMON_DRIFT_EVERY": "0",
}
Daemon = subprocess.Popen[str]


@pytest.fixture
def run_daemon(rotate: RotateCommand) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons, and kills those that a test leaves."""
    started: list[Daemon] = []

    def start(**environment: str) -> Daemon:
        started.append(rotate.start("daemon", **_SETTINGS | environment))
        return started[-1]

    yield start
    for daemon in started:
        daemon.kill()
        daemon.communicate()


@pytest.fixture
def scheduled(ready: RotateCommand) -> RotateCommand:
    """The command with a secret whose planned moment was a minute ago."""
    ready.ok("rotation", "set", SECRET, "--schedule", "rate(10 days)")
    _make_due(ready)
    return ready


def _query(rotate: RotateCommand, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(rotate.home / "rotator.db", timeout=20)) as store, store:
        return store.execute(statement, parameters).fetchall()


def _make_due(rotate: RotateCommand) -> None:
    moved = (
        "UPDATE secrets SET due_at = ?1 - ?2, window_start = ?1 - 2 * ?2, window_end = ?1 + 60 * ?2"
    )
    _query(rotate, moved + " WHERE name = ?3", _now(), _MINUTE, SECRET)


def _now() -> int:
    return int(time.time() * 1_000_000)


def _rotations(rotate: RotateCommand) -> list[tuple[str, str, str | None]]:
    """Status, id and owner of each rotation, oldest first."""
    return _query(rotate, "SELECT status, id, owner FROM rotations ORDER BY fencing")


def _statuses(rotate: RotateCommand) -> list[str]:
    return [status for status, _, _ in _rotations(rotate)]


def _stored(rotate: RotateCommand) -> Role:
    fields = rotate.reveal(SECRET)
    return Role(name=fields["username"], password=fields["password"])


def _stop(daemon: Daemon) -> list[dict[str, Any]]:
    """Ends it as a service manager does; what it logged."""
    daemon.send_signal(signal.SIGTERM)
    _, err = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, err
    return [json.loads(line) for line in err.splitlines()]


def _events(log: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [entry for entry in log if entry["event"] == name]


def test_what_is_due_rotates_by_itself(
    scheduled: RotateCommand, run_daemon: Callable[..., Daemon], pg18: DatabaseServer, role: Role
) -> None:
    """A secret whose moment has come is rotated once, its next moment is stored, and SIGTERM ends the daemon with 0."""
    daemon = run_daemon()
    assert eventually(lambda: _statuses(scheduled) == ["succeeded"], timeout=60)
    log = _stop(daemon)

    [(status, rotation, owner)] = _rotations(scheduled)
    assert (status, owner) == ("succeeded", None)
    assert pg18.can_log_in(_stored(scheduled))
    assert not pg18.can_log_in(role)
    [ended] = _events(log, "rotation.ended")
    assert (ended["rotation"], ended["status"], ended["secret_name"]) == (
        rotation,
        "succeeded",
        SECRET,
    )
    assert [entry["event"] for entry in log][-2:] == ["daemon.stopping", "daemon.stopped"]
    [(due,)] = _query(scheduled, "SELECT due_at FROM secrets WHERE name = ?", SECRET)
    assert due > _now()


def test_a_grace_period_ends_by_itself(
    rotate: RotateCommand,
    run_daemon: Callable[..., Daemon],
    pg18: DatabaseServer,
    role: Role,
) -> None:
    """With users that take turns and a grace period, the daemon rotates, and then retires the old user's password."""
    rotate.ok("init")
    admin = rotate.json("secret", "create", "db/admin", value=pg18.secret_value(pg18.superuser))
    value = pg18.secret_value(role) | {"masterarn": admin["arn"]}
    rotate.ok("secret", "create", SECRET, value=value)
    rotate.ok("rotation", "set", SECRET, "--rotator", "postgresql-alternating-users")
    rotate.ok("rotation", "set", SECRET, "--grace", "1s", "--schedule", "rate(10 days)")
    _make_due(rotate)

    daemon = run_daemon()
    assert eventually(lambda: _statuses(rotate) == ["succeeded"], timeout=60)
    log = _stop(daemon)

    assert [entry["status"] for entry in _events(log, "rotation.ended")] == ["grace", "succeeded"]
    assert _stored(rotate).name != role.name
    assert pg18.can_log_in(_stored(rotate))
    assert not pg18.can_log_in(role)


def test_sigterm_lets_what_runs_end(
    scheduled: RotateCommand, run_daemon: Callable[..., Daemon], pg18: DatabaseServer
) -> None:
    """A rotation that is at work when the daemon is stopped ends first, and no lease is left."""
    daemon = run_daemon(ROTATOR_BARRIER_DRAIN="1", ROTATOR_BARRIER_LIMIT="5")
    assert eventually(lambda: _statuses(scheduled) == ["running"], timeout=60)
    log = _stop(daemon)

    assert _events(log, "daemon.stopping")[0]["running"] == 1
    assert [entry["status"] for entry in _events(log, "rotation.ended")] == ["succeeded"]
    assert [owner for _, _, owner in _rotations(scheduled)] == [None]
    assert pg18.can_log_in(_stored(scheduled))


def test_a_killed_daemon_is_taken_over(
    scheduled: RotateCommand, run_daemon: Callable[..., Daemon], pg18: DatabaseServer
) -> None:
    """The next daemon goes on with what a killed one had begun: the same rotation, to its end."""
    killed = run_daemon(ROTATOR_BARRIER_DRAIN="20", ROTATOR_BARRIER_LIMIT="30")
    assert eventually(lambda: _statuses(scheduled) == ["running"], timeout=60)
    [(_, rotation, owner)] = _rotations(scheduled)
    assert owner is not None
    killed.kill()
    killed.communicate()

    daemon = run_daemon()
    assert eventually(lambda: _statuses(scheduled) == ["succeeded"], timeout=60)
    _stop(daemon)
    assert [found[1:] for found in _rotations(scheduled)] == [(rotation, None)]
    assert pg18.can_log_in(_stored(scheduled))


def test_attempts_stay_bounded(
    scheduled: RotateCommand, run_daemon: Callable[..., Daemon], pg18: DatabaseServer, role: Role
) -> None:
    """A rotation that can't succeed is tried as often as the settings say, then waits for its next window."""
    _rename(pg18, role.name, f"{role.name}_gone")
    daemon = run_daemon(ROTATOR_RETRY_BASE="0.05")
    ended = eventually(
        lambda: _statuses(scheduled) not in ([], ["running"], ["waiting"]), timeout=60
    )
    log = _stop(daemon)

    assert ended
    [last] = _events(log, "rotation.ended")[-1:]
    assert last["level"] in {"warning", "error"}
    assert last["reason"]
    [(due,)] = _query(scheduled, "SELECT due_at FROM secrets WHERE name = ?", SECRET)
    assert due > _now()
    assert len(_rotations(scheduled)) == 1


def _rename(server: DatabaseServer, old: str, new: str) -> None:
    server.execute(
        sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def test_a_second_daemon_stands_by(
    scheduled: RotateCommand, run_daemon: Callable[..., Daemon]
) -> None:
    """On a SQLite store one daemon works; a second one takes its place when it ends."""
    scheduled.ok("rotation", "set", SECRET, "--schedule", "rate(10 days)")
    first = run_daemon()
    assert _reads(first, "daemon.ready")
    second = run_daemon()
    assert _reads(second, "daemon.stands_by")
    _stop(first)
    assert _reads(second, "daemon.ready")
    _make_due(scheduled)
    assert eventually(lambda: _statuses(scheduled) == ["succeeded"], timeout=60)
    _stop(second)


def _reads(daemon: Daemon, event: str) -> bool:
    """Whether it logs the event before it ends."""
    assert daemon.stderr is not None
    return any(json.loads(line)["event"] == event for line in daemon.stderr)
