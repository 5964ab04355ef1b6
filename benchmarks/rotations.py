"""Rotations against bare psycopg: one, many at once, and `rotate now` as a whole process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.floor import change_password
from benchmarks.house import BenchHouse, Login
from benchmarks.measure import Ratio, alternate
from rotator.testing.postgres_server import PostgresServer

_ROUNDS = 60
_PROCESS_ROUNDS = 20
_MANY = 100
_WORKERS = 16
_BATCHES = 5


def measured(server: PostgresServer, folder: Path) -> Iterator[Ratio]:
    """The ratios, one after the other."""
    house = BenchHouse.build(server, folder / "house")
    yield one_rotation(house)
    yield many_rotations(house)
    house.store.close()
    yield whole_process(house, folder / "process")


def one_rotation(house: BenchHouse) -> Ratio:
    """One rotation with drain 0 against the same logins and ALTER ROLE."""
    name = house.adopt(house.new_login())
    bare = _Bare(house, house.new_login())
    ours, floor = alternate(lambda: house.rotate(name), bare.change, rounds=_ROUNDS)
    return Ratio(name="one rotation", unit="ms", ours=ours * 1e3, floor=floor * 1e3, most=1.25)


def many_rotations(house: BenchHouse) -> Ratio:
    """A hundred rotations by sixteen workers against as many bare changes by sixteen threads."""
    names = [house.adopt(house.new_login()) for _ in range(_MANY)]
    bare = [_Bare(house, house.new_login()) for _ in range(_MANY)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        ours, floor = alternate(
            lambda: list(pool.map(house.rotate, names)),
            lambda: list(pool.map(_Bare.change, bare)),
            rounds=_BATCHES,
        )
    return Ratio(
        name=f"{_MANY} rotations, {_WORKERS} workers",
        unit="per second",
        ours=_MANY / ours,
        floor=_MANY / floor,
        least=0.8,
    )


def whole_process(house: BenchHouse, folder: Path) -> Ratio:
    """`rotate now` as a whole process against a bare script."""
    command = _Command(house.server, folder)
    command.prepare(house.new_login())
    script = _Script(house.server, house.new_login())
    ours, floor = alternate(command.rotate, script.change, rounds=_PROCESS_ROUNDS)
    return Ratio(
        name="rotate now, a process", unit="ms", ours=ours * 1e3, floor=floor * 1e3, most=1.5
    )


class _Bare:
    """A role whose password changes by bare psycopg."""

    def __init__(self, house: BenchHouse, login: Login) -> None:
        self._server = house.server
        self._user = login.user
        self._password = login.password

    def change(self) -> None:
        self._password = change_password(self._server, self._user, self._password)


class _Command:
    """The `rotate` command in a home of its own."""

    def __init__(self, server: PostgresServer, home: Path) -> None:
        self._server = server
        self._program = str(Path(sys.executable).with_name("rotate"))
        self._environment = {
            **_plain_environment(),
            "ROTATOR_HOME": str(home),
            "ROTATOR_BARRIER_DRAIN": "0",
        }

    def prepare(self, login: Login) -> None:
        value = {
            "engine": "postgres",
            "host": self._server.host,
            "port": self._server.port,
            "username": login.user,
            "password": login.password,
            "ssl": False,
        }
        self._run("init")
        self._run("secret", "create", "db", stdin=json.dumps(value))
        self._run("rotation", "set", "db", "--rotator", "postgresql-single-user")

    def rotate(self) -> None:
        self._run("now", "db")

    def _run(self, *arguments: str, stdin: str = "") -> None:
        subprocess.run(
            [self._program, *arguments],
            input=stdin,
            env=self._environment,
            check=True,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class _Script:
    """The bare script as a process."""

    def __init__(self, server: PostgresServer, login: Login) -> None:
        self._server = server
        self._login = login

    def change(self) -> None:
        at = {
            "host": self._server.host,
            "port": self._server.port,
            "user": self._login.user,
            "password": self._login.password,
        }
        script = [sys.executable, "-m", "benchmarks.bare_process"]
        done = subprocess.run(
            script,
            input=json.dumps(at),
            env=_plain_environment(),
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        self._login = Login(self._login.user, done.stdout.strip())


def _plain_environment() -> dict[str, str]:
    """This one without settings of rotator's, and with bytecode that is kept, as pip leaves it with what it installs.

    The program's own modules would otherwise be compiled at each start, where the floor's lie ready in the libraries.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ROTATOR_") and name != "PYTHONDONTWRITEBYTECODE"
    }
