"""The file of the functions that a command registers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rotator.cli.registered import Functions, change, read
from rotator.config.functions import FunctionSettings
from rotator.errors import ConfigurationError

_MANY = 20


def _add(path: Path, name: str) -> None:
    def with_it(before: Functions) -> Functions:
        return {**before, name: FunctionSettings(file=f"/opt/{name}.py")}

    change(path, with_it)


def test_none_is_lost_where_several_are_registered_at_once(tmp_path: Path) -> None:
    """Each change is made of what the one before it left."""
    path = tmp_path / "home" / "functions.json"
    names = [f"function-{number}" for number in range(_MANY)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: _add(path, name), names))
    assert sorted(read(path)) == sorted(names)


def test_a_register_that_others_may_change_is_refused(tmp_path: Path) -> None:
    """Whoever writes it says which programs are run."""
    path = tmp_path / "functions.json"
    _add(path, "mine")
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read(path)
