"""Migrations give exactly the tables that the code uses, once, and only forwards."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from rotator.errors import StoreUnavailable
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.partial_indexes import metadata
from rotator.store.schema import SchemaState
from rotator.store.store import Store
from tests.support.store import only_postgresql, only_sqlite


@contextmanager
def _connected(url: str) -> Iterator[Database]:
    database = Database.connect(url, create=True)
    try:
        yield database
    finally:
        database.close()


def _tables(database: Database) -> set[str]:
    with database.read() as tx:
        return set(inspect(tx.connection).get_table_names())


def _set_revision(database: Database, revision: str) -> None:
    with database.write() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_the_migrations_give_exactly_the_tables_of_the_code(store: Store) -> None:
    """Alembic finds no difference between a migrated database and `tables.metadata`."""
    with store.read() as tx:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(tx.connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_have_their_conditions(store: Store) -> None:
    """What Alembic does not compare: an index is partial in the database where the code says so."""
    expected = {
        index.name: str(where)
        for table in metadata.sorted_tables
        for index in table.indexes
        if (where := index.dialect_options[store.dialect]["where"]) is not None
    }
    with store.read() as tx:
        inspector = inspect(tx.connection)
        found = {
            index["name"]: index["dialect_options"][f"{store.dialect}_where"]
            for table in metadata.sorted_tables
            for index in inspector.get_indexes(table.name)
            if f"{store.dialect}_where" in index.get("dialect_options", {})
        }
    assert found.keys() == expected.keys()
    if store.dialect == "sqlite":  # PostgreSQL prints a condition in words of its own
        assert {name: str(where) for name, where in found.items()} == expected


def test_the_revisions_in_the_code_are_those_of_the_scripts() -> None:
    """`schema.REVISIONS` lists the migration scripts, oldest first."""
    config = Config()
    config.set_main_option("script_location", "rotator:store/migrations")
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == schema.REVISIONS


def test_upgrading_makes_a_database_current_and_may_be_repeated(empty_url: str) -> None:
    """An empty database is behind; upgrading makes it current, and doing it again does nothing."""
    with _connected(empty_url) as database:
        assert schema.check(database) is SchemaState.BEHIND
        schema.upgrade(database)
        assert schema.check(database) is SchemaState.CURRENT
        schema.upgrade(database)
        assert schema.check(database) is SchemaState.CURRENT


@only_sqlite
def test_a_sqlite_store_upgrades_itself(empty_url: str) -> None:
    """Opening an empty SQLite database migrates it."""
    store = Store.open(empty_url, create=True)
    assert schema.check(store) is SchemaState.CURRENT
    store.close()


@only_postgresql
def test_a_postgresql_store_is_for_a_person_to_upgrade(empty_url: str) -> None:
    """Opening a PostgreSQL database that is behind is refused with the command, unchanged."""
    with pytest.raises(StoreUnavailable, match="rotate db upgrade"):
        Store.open(empty_url, create=True)
    with _connected(empty_url) as database:
        assert _tables(database) == set()


def test_a_later_release_s_schema_is_refused(store: Store, store_url: str) -> None:
    """A revision that this release doesn't know is left alone by opening and by upgrading."""
    _set_revision(store, "9999")
    assert schema.check(store) is SchemaState.NEWER
    with pytest.raises(StoreUnavailable, match="later release"):
        Store.open(store_url, create=False)
    with pytest.raises(StoreUnavailable, match="later release"):
        schema.upgrade(store)


def test_a_failed_migration_leaves_nothing(empty_url: str) -> None:
    """A migration that fails half-way is rolled back whole, and the message says what to do."""
    with _connected(empty_url) as database:
        with database.write() as tx:
            tx.connection.execute(text("CREATE TABLE sealing_check (theirs integer)"))
        with pytest.raises(StoreUnavailable, match="no other program"):
            schema.upgrade(database)
        assert _tables(database) == {"sealing_check"}
        assert schema.check(database) is SchemaState.BEHIND


def test_of_processes_that_upgrade_at_once_one_does_the_work(empty_url: str) -> None:
    """Four processes that start on an empty database all go on with a current one."""
    program = (
        "import sys\n"
        "from rotator.store import schema\n"
        "from rotator.store.database import Database\n"
        "database = Database.connect(sys.argv[1], create=True, lock_timeout=60)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "schema.upgrade(database)\n"
        "print(schema.check(database))\n"
        "database.close()\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate(timeout=120) for process in processes]
    assert results == [("current\n", "")] * 4


def test_a_start_on_a_current_store_does_not_import_alembic(store_url: str) -> None:
    """Alembic is loaded only where there is something to migrate: start-up time counts."""
    program = (
        "import sys\n"
        "from rotator.store.store import Store\n"
        "Store.open(sys.argv[1], create=False).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, store_url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
