"""`rotate daemon` as a service manager and a monitor see it."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from psycopg import sql

from tests.support.daemons import ANY_PORT, Daemons
from tests.support.house import House
from tests.support.manager import ME
from tests.support.postgres import DatabaseServer
from tests.support.receiver import receiving
from tests.support.store import only_sqlite
from tests.support.waiting import eventually

pytestmark = only_sqlite

_PATIENCE = 60.0


def _write(daemons: Daemons, text: str) -> Path:
    path = daemons.command.home / "config.yaml"
    daemons.command.home.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def _statuses(house: House, name: str) -> list[str]:
    return [row.status for row in house.history(name)]


def test_a_reload_takes_a_good_configuration_and_refuses_a_bad_one(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """SIGHUP: what runs goes on, what comes has the new settings; a bad file or one for a restart is told and left."""
    path = _write(daemons, "barrier: {drain: 3, limit: 10}\n")
    name, later = (house.adopt(pg16, pg16.new_role()) for _ in range(2))
    daemon = daemons.start()
    house.make_due(name)
    assert eventually(lambda: _statuses(house, name) == ["running"], timeout=_PATIENCE)

    _write(daemons, "barrier: {drain: 3, limits: 10}\n")
    daemon.send(signal.SIGHUP)
    assert daemon.says("config.refused", error="ConfigurationError")
    [refused] = daemon.events("config.refused")
    assert str(path) in refused["reason"]
    assert "barrier.limits" in refused["reason"]

    _write(daemons, "keys: {options: others}\n")
    daemon.send(signal.SIGHUP)
    assert eventually(lambda: len(daemon.events("config.refused")) == 2, timeout=_PATIENCE)
    assert "keys.options" in daemon.events("config.refused")[1]["reason"]

    _write(daemons, "log: {level: debug}\n")
    daemon.send(signal.SIGHUP)
    assert daemon.says("config.reloaded", changed=["barrier.drain", "barrier.limit", "log.level"])

    assert eventually(lambda: _statuses(house, name) == ["succeeded"], timeout=_PATIENCE)
    house.make_due(later)
    assert eventually(lambda: _statuses(house, later) == ["succeeded"], timeout=_PATIENCE)
    daemon.stop()
    assert daemon.events("rotation.step.done", secret_name=later, phase="finishSecret")


def _sample(text: str, name: str) -> float:
    """The value of a metric, with its labels as they are written."""
    [found] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found.split(" ")[1])


def test_a_monitor_sees_what_the_daemon_does(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """Liveness, readiness and metrics of one that works; a second one stands by, and takes the address when it ends."""
    name = house.adopt(pg16, pg16.new_role())
    house.make_due(name)
    working = daemons.start(**ANY_PORT)
    assert eventually(lambda: _statuses(house, name) == ["succeeded"], timeout=_PATIENCE)
    assert working.says("rotation.ended")
    assert working.get("/livez") == (200, "alive\n")
    assert working.get("/readyz") == (200, "ready\n")
    assert working.get("/")[0] == 404
    status, text = working.get("/metrics")
    assert status == 200
    rotator = 'rotator="postgresql-single-user"'
    ended = f'rotator_rotations_total{{reason="none",{rotator},status="succeeded"}}'
    assert _sample(text, ended) == 1
    assert _sample(text, "rotator_lateness_seconds_count") == 1
    assert _sample(text, "rotator_lateness_seconds_sum") > 59
    assert _sample(text, f'rotator_step_seconds_count{{phase="setSecret",{rotator}}}') == 1
    assert _sample(text, "rotator_due") == 0
    overdue = "rotator_oldest_overdue_seconds"
    assert eventually(lambda: _sample(working.get("/metrics")[1], overdue) == 0, timeout=_PATIENCE)
    assert _sample(text, "rotator_store_up") == 1
    assert name not in text

    [listening] = working.events("health.listening")
    standby = daemons.launch(ROTATOR_DAEMON_LISTEN=f"127.0.0.1:{listening['port']}")
    assert standby.says("daemon.stands_by")
    assert standby.says("health.address_taken")
    working.stop()
    assert standby.says("daemon.ready")
    assert standby.answers("/readyz", 200, "ready\n")
    standby.stop()


def test_an_address_that_nobody_can_have_is_refused(daemons: Daemons) -> None:
    """A daemon that could never be watched doesn't start; it says which setting is wrong."""
    refused = daemons.launch(ROTATOR_DAEMON_LISTEN="192.0.2.1:8475")
    assert refused.process.wait(_PATIENCE) == 2
    assert "daemon.listen" in refused.errors.read_text()


@pytest.fixture
def service_manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that a service manager would be told on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(_PATIENCE)
        yield told


def _told(service_manager: socket.socket, line: str) -> dict[str, str]:
    """What is told together with a line, once that comes."""
    while True:
        lines = service_manager.recv(4096).decode().split("\n")
        if line in lines:
            return dict(each.split("=", 1) for each in lines)


def test_a_service_manager_is_told(daemons: Daemons, service_manager: socket.socket) -> None:
    """Readiness, a watchdog that is fed again and again, the two ends of a reload, and the stop."""
    path = str(service_manager.getsockname())
    daemon = daemons.launch(NOTIFY_SOCKET=path, WATCHDOG_USEC="900000")
    assert _told(service_manager, "READY=1")["STATUS"] == "ready"
    for _ in range(3):
        _told(service_manager, "WATCHDOG=1")
    daemon.send(signal.SIGHUP)
    assert (
        int(_told(service_manager, "RELOADING=1")["MONOTONIC_USEC"]) <= time.monotonic_ns() / 1000
    )
    _told(service_manager, "READY=1")
    daemon.send(signal.SIGTERM)
    _told(service_manager, "STOPPING=1")
    assert daemon.process.wait(_PATIENCE) == 0


def test_a_rotation_that_failed_is_told_to_all_who_are_to_know(
    daemons: Daemons, house: House, pg16: DatabaseServer, tmp_path: Path
) -> None:
    """A program and an endpoint get the notice, without any value, also where it takes a second attempt."""
    name = house.adopt(pg16, pg16.new_role())
    role = house.role(name)
    rename = sql.SQL("ALTER ROLE {} RENAME TO {}").format(
        sql.Identifier(role.name), sql.Identifier(f"{role.name}_gone")
    )
    pg16.execute(rename)
    told = tmp_path / "told"
    with receiving() as receiver:
        receiver.statuses = [503]
        settings = {
            "notifications": {
                "commands": {"pager": {"argv": ["/usr/bin/tee", str(told)]}},
                "webhooks": {
                    "chat": {"url": receiver.url, "key": "k" * 32, "allow_plaintext": True}
                },
            }
        }
        _write(daemons, yaml.safe_dump(settings))
        daemon = daemons.start(ROTATOR_RETRY_BASE="0.05")
        house.make_due(name)
        assert daemon.says("notification.sent", notifier="chat", attempt=2)
        assert daemon.says("notification.sent", notifier="pager")
    log = daemon.stop()

    [ended] = [entry for entry in log if entry.get("status") == "failed"]
    for given in (told.read_bytes(), *(body for _, body in receiver.posted)):
        notice = json.loads(given)
        assert (notice["kind"], notice["secret_name"]) == ("rotation.failed", name)
        assert (notice["rotation"], notice["reason"]) == (ended["rotation"], ended["reason"])
        assert role.password not in given.decode()
    [failed] = [entry for entry in log if entry["event"] == "notification.failed"]
    assert failed["rotation"] == ended["rotation"]


def test_a_rotation_that_can_t_begin_is_told_once(
    daemons: Daemons, house: House, pg16: DatabaseServer, tmp_path: Path
) -> None:
    """Where its admin secret is gone it is tried again and again, a person is told in the first instance, and status
    tells whoever asks.
    """
    name = house.adopt(pg16, pg16.new_role(), admin=pg16.superuser)
    house.mark_deleted(house.fields(name)["masterarn"], deleted=True)
    told = tmp_path / "told"
    pager = {"pager": {"argv": ["/usr/bin/tee", "--append", str(told)]}}
    _write(daemons, yaml.safe_dump({"notifications": {"commands": pager}}))
    daemon = daemons.start(ROTATOR_DAEMON_POLL="3600")
    house.make_due(name)
    if house.store.dialect == "sqlite":
        daemon.send(
            signal.SIGHUP
        )  # wakes it: on SQLite what others change is seen at the next poll
    assert eventually(lambda: len(daemon.events("rotation.refused")) > 1, timeout=_PATIENCE)
    assert daemon.says("notification.sent", notifier="pager")
    daemon.stop()

    notice = json.loads(told.read_bytes())
    assert (notice["kind"], notice["secret_name"]) == ("rotation.refused", name)
    assert "is marked for deletion" in notice["reason"]
    shown = daemons.command.ok("status", name).out
    assert "what is due did not begin: InvalidRequest: " in shown
    assert notice["reason"] in shown
    [told_anew] = daemons.command.json("status", name)["secrets"]
    assert told_anew["refused"]["reason"] == notice["reason"]
    assert "; due, but refused" in daemons.command.ok("status").out
    house.mark_deleted(house.fields(name)["masterarn"], deleted=False)
    assert house.engine().run_due(name, **ME) is not None
    assert daemons.command.json("status", name)["secrets"][0]["refused"] is None


def test_a_password_that_was_changed_at_the_target_is_noticed(
    daemons: Daemons, house: House, pg16: DatabaseServer
) -> None:
    """The daemon tries by itself what is stored, logs a refusal with what to do, and counts it."""
    name = house.adopt(pg16, pg16.new_role())
    daemon = daemons.start(ROTATOR_DAEMON_DRIFT_EVERY="1", **ANY_PORT)
    with pg16.connect() as session:
        alter = sql.SQL("ALTER ROLE {} PASSWORD 'by hand'")
        session.execute(alter.format(sql.Identifier(house.role(name).name)))
    assert daemon.says("drift.found", secret_name=name)
    assert daemon.events("drift.found")[0]["hint"]
    refused = 'rotator_drift_checks_total{outcome="refused"}'
    assert _sample(daemon.get("/metrics")[1], refused) >= 1
    daemon.stop()
