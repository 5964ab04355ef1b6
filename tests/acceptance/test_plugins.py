"""Rotators of one's own: what `rotate plugins` tells, and a package from its first line to its first rotation."""

import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.plugin import install_plugin

_HERE = Path(sys.executable).parent
_PACKAGES = Path(pytest.__file__).parents[1]


def run(*command: str, folder: Path) -> str:
    """What a command writes, which has to succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_each_rotator_takes_is_listed(rotate: RotateCommand, tmp_path: Path) -> None:
    """Distribution, version, overlap and every setting with type, default and meaning; what is broken, with why."""
    install_plugin(tmp_path, "broken", "raise RuntimeError('no licence')")
    rotate.environment["PYTHONPATH"] = str(tmp_path)

    listed = {entry["name"]: entry for entry in rotate.json("plugins")["rotators"]}

    tls = listed["tls-self-signed"]
    assert (tls["distribution"], tls["overlap"], tls["error"]) == ("rotator-engine", "none", None)
    settings = {setting["name"]: setting for setting in tls["settings"]}
    assert settings["days"] == {
        "name": "days",
        "kind": "a whole number",
        "default": 90,
        "required": False,
        "meaning": "how long it is valid, 1 to 3650",
    }
    assert "no licence" in listed["broken"]["error"]
    assert listed["broken"]["settings"] == []
    shown = rotate.ok("plugins").out
    assert "BROKEN: RuntimeError: no licence" in shown
    assert "characters of a new password, 16 to 128" in shown


def test_a_name_that_is_taken_or_none_begins_nothing(rotate: RotateCommand, tmp_path: Path) -> None:
    """Names of other rotators, their aliases, and what no package could be called are refused; a folder is left."""
    (tmp_path / "rotator-mine").mkdir()
    for name in ("generic-password", "SecretsManagerRDSMySQLRotationSingleUser", "../x", "mine"):
        refused = rotate("plugins", "new", name, "--folder", str(tmp_path))
        assert refused.code == 2, name
    assert list(tmp_path.rglob("*.py")) == []


@pytest.fixture
def separate(tmp_path: Path) -> Path:
    """The interpreter of an environment of its own, in which rotator is installed, as it is here."""
    folder = tmp_path / "separate"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "rotator.pth").write_text(f"import site; site.addsitedir({str(_PACKAGES)!r})\n")
    return python


def test_a_package_from_its_first_line_to_its_first_rotation(
    rotate: RotateCommand, separate: Path, tmp_path: Path
) -> None:
    """What `new` makes passes its own tests, is built, is installed elsewhere, is listed there, and rotates."""
    rotate.ok("plugins", "new", "acme-token", "--folder", str(tmp_path))
    package = tmp_path / "rotator-acme-token"
    pip = (str(_HERE / "python"), "-m", "pip", "--disable-pip-version-check", "-q")
    offline = ("--no-index", "--no-deps")
    run(*pip, "wheel", *offline, "--no-build-isolation", ".", folder=package)
    (wheel,) = package.glob("*.whl")
    run(*pip, "--python", str(separate), "install", *offline, str(wheel), folder=package)
    tested = run(str(separate), "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=package)
    assert " passed" in tested
    assert "skipped" not in tested

    users = tmp_path / "users"
    users.write_text("other:untouched\napp:first\n")
    elsewhere = replace(rotate, interpreter=separate)
    elsewhere.ok("init")
    listed = {entry["name"]: entry for entry in elsewhere.json("plugins")["rotators"]}
    assert listed["acme-token"]["origin"] == "rotator-acme-token 0.1.0"
    elsewhere.ok("secret", "create", "app", value={"username": "app", "password": "first"})
    set_it = ("rotation", "set", "app", "--rotator", "acme-token")
    assert elsewhere(*set_it).code != 0, "a setting without a default has to be given"
    elsewhere.ok(*set_it, "--setting", f"path={users}")
    elsewhere.ok("now", "app")

    password = elsewhere.reveal("app")["password"]
    assert users.read_text() == f"other:untouched\napp:{password}\n"
    assert password not in "".join(elsewhere.shown)
