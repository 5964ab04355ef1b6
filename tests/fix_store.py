"""Fixtures: a fresh store on each engine, and a sealer with a keyring of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.store import Store
from tests.support.postgres import DatabaseServer, Role, unique_name
from tests.support.store import AUDIT_KEY, postgresql_url, sqlite_url


@pytest.fixture(scope="session")
def store_role(pg16: DatabaseServer) -> Role:
    """The role that owns the PostgreSQL stores: an ordinary one."""
    return pg16.new_role("store")


@pytest.fixture(scope="session")
def postgresql_template(pg16: DatabaseServer, store_role: Role) -> Iterator[str]:
    """A migrated database that nobody uses: copying it is faster than migrating."""
    with _database(pg16, store_role, template="template1") as name:
        _migrate(postgresql_url(pg16, store_role, dbname=name))
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that nobody uses."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    _migrate(sqlite_url(path))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def store_engine(request: pytest.FixtureRequest) -> str:
    """Each engine of the store in turn."""
    engine: str = request.param
    return engine


@pytest.fixture
def empty_url(store_engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a schema, on each engine."""
    if store_engine == "sqlite":
        yield sqlite_url(tmp_path / "empty" / "store.db")
        return
    with _postgresql_copy(request, template="template1") as url:
        yield url


@pytest.fixture
def other_empty_url(
    store_engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The URL of a database without a schema, on the engine that `store_engine` is not."""
    if store_engine == "postgresql":
        yield sqlite_url(tmp_path / "other" / "store.db")
        return
    with _postgresql_copy(request, template="template1") as url:
        yield url


@pytest.fixture
def store_url(store_engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store without secrets, on each engine."""
    with fresh_store_url(store_engine, request, folder=tmp_path) as url:
        yield url


@contextmanager
def fresh_store_url(engine: str, request: pytest.FixtureRequest, *, folder: Path) -> Iterator[str]:
    """The URL of a store without secrets, for as long as the block."""
    if engine == "sqlite":
        path = folder / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        path.chmod(0o600)
        yield sqlite_url(path)
        return
    with _postgresql_copy(request, template=request.getfixturevalue("postgresql_template")) as url:
        yield url


@pytest.fixture
def open_store() -> Iterator[Callable[[str], Store]]:
    """Opens stores that are there already, and closes them when the test is over."""
    opened: list[Store] = []

    def opening(url: str) -> Store:
        opened.append(Store.open(url, create=False, audit_key=AUDIT_KEY))
        return opened[-1]

    yield opening
    for store in opened:
        store.close()


@pytest.fixture
def store(store_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store without secrets, on each engine."""
    return open_store(store_url)


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    """A new keyring's path."""
    path = tmp_path / "keys" / "keyring.json"
    create_keyring(path)
    return path


@pytest.fixture
def sealer(keyring: Path) -> Sealer:
    """A sealer with a keyring of its own."""
    return Sealer(FileKeyProvider(keyring))


@contextmanager
def _postgresql_copy(request: pytest.FixtureRequest, *, template: str) -> Iterator[str]:
    server: DatabaseServer = request.getfixturevalue("pg16")
    role: Role = request.getfixturevalue("store_role")
    with _database(server, role, template=template) as name:
        yield postgresql_url(server, role, dbname=name)


@contextmanager
def _database(server: DatabaseServer, owner: Role, *, template: str) -> Iterator[str]:
    name = unique_name("store")
    names = {
        "name": sql.Identifier(name),
        "owner": sql.Identifier(owner.name),
        "template": sql.Identifier(template),
    }
    create = sql.SQL("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")
    server.execute(create.format(**names))
    try:
        yield name
    finally:
        server.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


def _migrate(url: str) -> None:
    database = Database.connect(url, create=True)
    schema.upgrade(database)
    database.close()
    store = Store.open(url, create=False, audit_key=AUDIT_KEY)
    store.begin_audit()
    store.close()
