"""What every acceptance test starts from: a command with an empty home, and one that is set up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.daemons import Daemons, daemons_on
from tests.support.postgres import DatabaseServer, Role

SECRET = "db/app"


@pytest.fixture
def rotate(tmp_path: Path) -> RotateCommand:
    """The command on a home folder that doesn't exist yet."""
    return RotateCommand(home=tmp_path / "home")


@pytest.fixture
def role(pg18: DatabaseServer) -> Role:
    """A role of an application."""
    return pg18.new_role()


@pytest.fixture
def daemons(store_url: str, keyring: Path, tmp_path: Path) -> Iterator[Daemons]:
    """Daemons on the house's store."""
    with daemons_on(tmp_path / "home", store_url=store_url, keyring=keyring) as daemons:
        yield daemons


@pytest.fixture
def ready(rotate: RotateCommand, pg18: DatabaseServer, role: Role) -> RotateCommand:
    """The command with a secret that rotates by `postgresql-single-user`."""
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(role))
    rotate.ok("rotation", "set", SECRET, "--rotator", "postgresql-single-user")
    return rotate
