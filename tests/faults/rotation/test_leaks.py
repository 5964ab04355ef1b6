"""No password that was ever used is found where it doesn't belong, whatever became of the rotations."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import make_url, select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.rotation.claim import seal_context
from rotator.sdk import SecretValue
from rotator.store import schema, secrets, tables, versions
from rotator.store.database import Database
from rotator.store.store import Store, Tx
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from tests.support.driver import Driver, Runs
from tests.support.effects import CHANGE
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.leaks import ProcessWatch, files_under, leaks, watching_processes
from tests.support.manager import ACCOUNT, REGION
from tests.support.postgres import DatabaseServer, Role, unique_name
from tests.support.store import AUDIT_KEY, AUDIT_KEY_TEXT, postgresql_url, sqlite_url

_TALKATIVE = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_connections": "on",
    "log_error_verbosity": "verbose",
    "log_min_messages": "debug1",
}
_AWKWARD = "p%4 '\"\\/+é-"
_ROTATE = Path(sys.executable).with_name("rotate")


@dataclass
class _Place:
    """A house with a server of its own, whose passwords nobody but the tests wrote anywhere."""

    house: House
    server: DatabaseServer
    home: Path
    store_url: str
    keyring: Path
    config: Path
    passwords: set[str]
    began: float
    output: list[bytes] = field(default_factory=list)

    def rotate(self, *arguments: str) -> int:
        """Runs the command with debug logging, and keeps all that it prints."""
        done = subprocess.run(
            [str(_ROTATE), *arguments],
            env={**os.environ, "ROTATOR_CONFIG": str(self.config)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.output += [done.stdout, done.stderr]
        return done.returncode

    def places(self, watch: ProcessWatch) -> dict[str, bytes]:
        """Everywhere that a password could have got to."""
        self.server.execute("CHECKPOINT")
        return {
            **files_under(self.home),
            **files_under(self.server.server.data_dir, written_since=self.began),
            "the server's log": self.server.log_text().encode(),
            "what the command printed and logged": b"\n".join(self.output),
            "arguments and environments of processes": watch.seen,
        }

    def every_password(self) -> set[str]:
        """Those that the roles were made with, and those in any version of any secret."""
        with self.house.store.read() as tx:
            columns = (tables.versions.c.secret_id, tables.versions.c.version_id)
            values = [
                self._value(tx, row_id, version_id)
                for row_id, version_id in tx.connection.execute(select(*columns)).all()
            ]
        return self.passwords | {str(value.fields()["password"]) for value in values}

    def _value(self, tx: Tx, row_id: int, version_id: str) -> SecretValue:
        version = versions.get(tx, secret_id=row_id, version_id=version_id)
        assert version is not None
        assert version.sealed is not None
        context = seal_context(secrets.by_id(tx, row_id), version_id)
        return self.house.sealer.open(version.sealed, context=context)


@pytest.fixture
def place(store_engine: str, tmp_path: Path) -> Iterator[_Place]:
    """On each engine of the store; a PostgreSQL store is on the target's server."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    keyring = home / "keyring.json"
    create_keyring(keyring)
    with running_postgres(embedded_binaries(16), settings=_TALKATIVE) as running:
        server, began = DatabaseServer(server=running), time.time()
        passwords = {server.superuser.password}
        password_file = tmp_path / "store-password"
        if store_engine == "sqlite":
            url = sqlite_url(home / "store.db")
        else:
            owner = _unlogged_role(server, "store", passwords)
            name = unique_name("store")
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            server.execute(create.format(sql.Identifier(name), sql.Identifier(owner.name)))
            url = postgresql_url(server, owner, dbname=name)
            password_file.touch(mode=0o600)
            password_file.write_text(owner.password)
        database = Database.connect(url, create=True)
        schema.upgrade(database)
        database.close()
        config = _configuration(home, tmp_path, url=url, password_file=password_file)
        store = Store.open(url, create=False, audit_key=AUDIT_KEY)
        store.begin_audit()
        house = House(store, Sealer(FileKeyProvider(keyring)))
        yield _Place(house, server, home, url, keyring, config, passwords, began)
        store.close()


def _configuration(home: Path, folder: Path, *, url: str, password_file: Path) -> Path:
    parsed = make_url(url)
    password = f"file:{password_file}" if parsed.password else None
    bare = parsed._replace(password=None)
    settings = {
        "account": ACCOUNT,
        "region": REGION,
        "store": {"url": bare.render_as_string(hide_password=False), "password": password},
        "keyring": {"path": str(home / "keyring.json")},
        "audit": {"key": AUDIT_KEY_TEXT},
        "retry": {"attempts": 2, "base": 0.01, "cap": 0.01, "reverts": 1},
        "barrier": {"drain": 0.01},
        "log": {"level": "debug"},
    }
    path = folder / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(json.dumps(settings))
    return path


def _unlogged_role(
    server: DatabaseServer, prefix: str, passwords: set[str], *, options: str = ""
) -> Role:
    """A role whose password the server never saw."""
    role = Role(name=unique_name(prefix), password=f"{_AWKWARD}{unique_name('')}")
    passwords.add(role.password)
    with server.connect() as session:
        verifier = session.pgconn.encrypt_password(
            role.password.encode(), role.name.encode(), b"scram-sha-256"
        ).decode()
        statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
        option = sql.SQL("SUPERUSER") if options else sql.SQL("")
        session.execute(statement.format(sql.Identifier(role.name), option, sql.Literal(verifier)))
    return role


def test_no_password_is_found_outside_of_memory(place: _Place, driver: Driver) -> None:
    """After rotations that succeed, fail, are killed, resumed or aborted no file, log or process has a password."""
    server, house = place.server, place.house
    admin = _unlogged_role(server, "admin", place.passwords, options="superuser")
    single = house.adopt(server, alone := _unlogged_role(server, "app", place.passwords))
    administered = house.adopt(
        server, _unlogged_role(server, "app", place.passwords), rotator=SINGLE, admin=admin
    )
    alternating = house.adopt(
        server, _unlogged_role(server, "app", place.passwords), rotator=ALTERNATING, admin=admin
    )
    runs = Runs(
        driver=driver, store_url=place.store_url, keyring=place.keyring, policy=house.policy
    )
    with watching_processes() as watch:
        for _ in range(2):
            assert place.rotate("now", single, administered, alternating) == 0
        assert place.rotate("plan", alternating) == 0
        assert place.rotate("verify", single, "--output", "json") == 0
        assert place.rotate("status", single) == 0
        assert place.rotate("history", alternating, "--output", "json") == 0
        for secret in (single, alternating):
            effects = runs.run(secret).effects
            assert runs.run(secret, kill_at=effects.index(f"{CHANGE}: sent") + 1).killed
        assert place.rotate("resume", single) == 0
        assert place.rotate("abort", alternating) in {0, 1}
        role = sql.Identifier(alone.name)
        server.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        assert place.rotate("now", single) != 0
        assert place.rotate("verify", single) != 0

    used = place.every_password()
    assert len(used) > 10
    assert leaks(used, place.places(watch)) == []


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_scan_finds_what_was_planted(place: _Place) -> None:
    """The scan sees a password in the store's write-ahead log, the server's log and files, an output and a process."""
    in_store, in_output, in_process = (f"{_AWKWARD}{unique_name('planted')}" for _ in range(3))
    in_log, in_table = unique_name("planted"), unique_name("planted")
    with place.house.store.write() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE planted (value TEXT)")
        tx.connection.exec_driver_sql("INSERT INTO planted VALUES (?)", (in_store,))
    place.server.execute(sql.SQL("SELECT {}").format(sql.Literal(in_log)))
    place.server.execute("CREATE TABLE planted (value text)")
    with (
        place.server.connect() as session,
        session.cursor().copy("COPY planted FROM STDIN") as copy,
    ):
        copy.write_row([in_table])
    place.output.append(json.dumps({"value": in_output}).encode())
    command = [sys.executable, "-c", "input()", in_process]
    with (
        watching_processes() as watch,
        subprocess.Popen(command, stdin=subprocess.PIPE) as process,
    ):
        watch.look()
        process.kill()

    places = place.places(watch)
    assert {Path(name).name for name in leaks([in_store], places)} == {"store.db-wal"}
    assert leaks([in_log], places)[-1] == "the server's log"
    assert any("pg_wal" in name for name in leaks([in_table], places))
    assert leaks([in_output], places) == ["what the command printed and logged"]
    assert leaks([in_process], places) == ["arguments and environments of processes"]
