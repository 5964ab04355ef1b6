"""The tests' own plugin distribution, installed for a while: on the path of this process and of those it starts."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rotator.rotation.registry import RotatorRegistry
from rotator.sdk import Authority, SecretValue
from tests.support.house import House
from tests.support.manager import ME

DISTRIBUTION = Path(__file__).parent / "plugin_distribution"


@contextmanager
def installed() -> Iterator[RotatorRegistry]:
    """The registry with the tests' plugins; a folder with a `.dist-info` is what pip leaves behind, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DISTRIBUTION)
        patch.setenv("PYTHONPATH", str(DISTRIBUTION), prepend=os.pathsep)
        yield RotatorRegistry.load()


@dataclass(frozen=True)
class FileTarget:
    """A folder that the tests' plugins take for a target."""

    folder: Path

    @property
    def password(self) -> str:
        return (self.folder / "target").read_text()

    @property
    def pids(self) -> list[int]:
        """The processes that worked on it."""
        return [int(line) for line in (self.folder / "pids").read_text().splitlines()]

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "seen").read_text())
        return found

    def adopt(self, house: House, rotator: str, **fields: Any) -> str:
        """A secret whose password the target accepts, with its rotation set. Gives its name."""
        (self.folder / "target").write_text("first password")
        value = SecretValue.from_json(
            {"username": "app", "password": "first password", "folder": str(self.folder)} | fields
        )
        name = f"file-{uuid.uuid4().hex[:12]}"
        house.manager.create_secret(**ME, name=name, value=value)
        house.manager.set_rotation(
            **ME,
            secret_id=name,
            rotator=rotator,
            authority=Authority(host="localhost", users=("app",)),
        )
        return name


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False
