"""`rotate daemon` as a service manager and a monitor see it."""

import signal
from pathlib import Path

from tests.support.daemons import Daemons
from tests.support.house import House
from tests.support.postgres import DatabaseServer
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
