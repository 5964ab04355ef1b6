"""What lies in `deploy/`: each file passes the checker of its kind, and agrees with the program."""

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from rotator.cli.exits import ExitCode
from rotator.config.load import unknown_variables
from rotator.config.settings import DaemonSettings
from tests.support.systemd import analyzer

DEPLOY = Path(__file__).parents[2] / "deploy"
_UNIT = DEPLOY / "rotator.service"
_INSTALLED = "/opt/rotator/bin/rotate"
_MOST_EXPOSED = 20  # tenths, of systemd's own measure from 0 to 100


def _run(
    command: Sequence[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _analyzed(unit: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = analyzer()
    return _run([*found.command, *arguments, str(unit)], dict(found.environment))


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with the program where it is here."""
    path = tmp_path / _UNIT.name
    path.write_text(_UNIT.read_text().replace(_INSTALLED, _tool("rotate")))
    return path


def test_systemd_takes_the_unit(unit: Path) -> None:
    """It verifies without a word, a misspelt key does not, and its exposure is small by systemd's own measure."""
    verify = ("verify", "--man=no", "--recursive-errors=no")
    taken = _analyzed(unit, *verify)
    assert (taken.returncode, taken.stdout + taken.stderr) == (0, "")
    exposure = _analyzed(unit, "security", "--offline=true", f"--threshold={_MOST_EXPOSED}")
    assert exposure.returncode == 0, exposure.stdout

    unit.write_text(unit.read_text().replace("WatchdogSec", "WatchdogSeconds"))
    assert "WatchdogSeconds" in _analyzed(unit, *verify).stderr


def test_the_unit_agrees_with_the_daemon() -> None:
    """It waits for readiness, reloads by SIGHUP, outlasts daemon.shutdown, and leaves wrong usage alone."""
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.read_string(_UNIT.read_text())
    service = read["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].startswith(f"{_INSTALLED} ")
    assert service["ExecStart"].endswith(" daemon")
    assert "-HUP" in service["ExecReload"]
    assert float(service["TimeoutStopSec"]) > DaemonSettings().shutdown
    assert float(service["WatchdogSec"]) > 0
    assert service["RestartPreventExitStatus"] == str(int(ExitCode.USAGE))


def test_the_dockerfile_passes_its_linter(tmp_path: Path) -> None:
    """Hadolint has nothing to say of it, and much of a bad one; the image's user is nobody's, by number."""
    dockerfile = DEPLOY / "Dockerfile"
    linted = _run([_tool("hadolint"), str(dockerfile)])
    assert (linted.returncode, linted.stdout) == (0, "")
    text = dockerfile.read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert f"http://{DaemonSettings().listen}/livez" in text
    bad = tmp_path / "Dockerfile"
    bad.write_text(text.replace(":3.13-slim-bookworm", ""))
    assert _run([_tool("hadolint"), str(bad)]).returncode != 0


def _composed() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def test_the_compose_file_fits_its_schema(tmp_path: Path) -> None:
    """The Compose specification's schema takes it, and refuses a key that there isn't."""
    check = [_tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    assert _run([*check, str(DEPLOY / "compose.yaml")]).returncode == 0
    bad = _composed()
    bad["services"]["daemon"]["read_onl"] = True
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(bad))
    assert _run([*check, str(tmp_path / "compose.yaml")]).returncode != 0


def test_the_composed_services_are_confined_and_configured_by_settings_that_there_are() -> None:
    """Root file systems are read-only, nothing is published, and every variable is a setting."""
    services = _composed()["services"]
    for name in ("schema", "init", "daemon"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert unknown_variables(service["environment"]) == ()
    assert all("ports" not in service for service in services.values())
    grace = float(services["daemon"]["stop_grace_period"].removesuffix("s"))
    assert grace > DaemonSettings().shutdown
