"""config.example.yaml is what it says: every setting with its default."""

import itertools
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rotator.config import load_configuration
from rotator.config.load import keys
from rotator.rotation.policy import EnginePolicy

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"


def example_keys(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from example_keys(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_the_example_equals_the_defaults(tmp_path: Path) -> None:
    """Loading the example is the same as loading nothing."""
    file = tmp_path / "config.yaml"
    file.write_bytes(EXAMPLE.read_bytes())
    file.chmod(0o600)
    environ = {"ROTATOR_HOME": str(tmp_path / "home")}
    loaded = load_configuration(file=file, environ=environ)
    assert loaded.settings == load_configuration(file=None, environ=environ).settings


def test_no_setting_is_missing_from_the_example() -> None:
    """The example has every key, in the order of the code, and no other."""
    assert list(example_keys(yaml.safe_load(EXAMPLE.read_text()))) == list(keys())


def test_every_setting_of_the_example_is_explained() -> None:
    """A comment stands above every setting, or one comment above three that belong together."""
    lines = [line.strip() for line in EXAMPLE.read_text().splitlines()]
    bare = [
        line.partition(":")[0]
        for above, line in itertools.pairwise(lines)
        if line
        and not line.startswith("#")
        and not line.endswith(":")
        and not above.startswith("#")
    ]
    assert bare == ["factor", "cap"]


def test_the_defaults_are_the_engines_own(tmp_path: Path) -> None:
    """A setting's default and the engine's default never drift apart."""
    settings = load_configuration(file=None, environ={"ROTATOR_HOME": str(tmp_path)}).settings
    assert settings.engine_policy() == EnginePolicy()


def test_no_yaml_is_imported_without_a_file(tmp_path: Path) -> None:
    """Start-up time: the YAML library is loaded only where there is a file."""
    program = (
        "import os, sys; from rotator.config import load_configuration; "
        "load_configuration(file=None, environ=os.environ); print('yaml' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={"ROTATOR_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "False\n"
