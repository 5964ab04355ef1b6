"""The kept store of the first release, on both engines, and what is in it."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    MetaData,
    Table,
    event,
    insert,
    make_url,
    select,
    text,
)

from rotator.store import schema
from rotator.store.database import Database

REVISION = "0001"
_KEPT = Path(__file__).parents[1] / "data" / f"store-{REVISION}"

_RENAMED = {("audit", "id"): "seq"}
"""What later releases call a column of the first one."""

Rows = dict[str, list[tuple[Any, ...]]]
"""By table, in order."""


def values() -> dict[str, dict[str, Any]]:
    """By secret: the value of each version, and where its labels are, as the first release read them."""
    kept: dict[str, dict[str, Any]] = json.loads((_KEPT / "values.json").read_text("utf-8"))
    return kept


def copy_keyring(folder: Path) -> Path:
    """A private copy of the store's keyring."""
    path = folder / "keyring.json"
    shutil.copy(_KEPT / "keyring.json", path)
    path.chmod(0o600)
    return path


def load(url: str) -> None:
    """Makes an empty database the store of the first release."""
    if url.startswith("sqlite"):
        path = Path(str(make_url(url).database))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _load_dump(path)
        return
    migrate(url, to=REVISION)
    database = Database.connect(url, create=False)
    with database.write() as tx:
        tables = MetaData()
        tables.reflect(tx.connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version" and (rows := _dumped(table)):
                tx.connection.execute(insert(table), rows)
        for name in ("secrets", "audit", "rotation_events"):
            advance = f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"
            tx.connection.execute(text(advance))
    database.close()


def migrate(url: str, *, to: str) -> None:
    """Brings a database that has no schema, or an earlier one, to a revision."""
    database = Database.connect(url, create=False)
    with database.write() as tx:
        config = Config()
        config.set_main_option("script_location", "rotator:store/migrations")
        config.attributes["connection"] = tx.connection
        command.upgrade(config, to)
    database.close()


def contents(url: str, *, only: Mapping[str, list[str]] | None = None) -> Rows:
    """Every row as the database holds it; `only` names the tables and columns to look at."""
    database = Database.connect(url, create=False)
    found: Rows = {}
    with database.read() as tx:
        tables = MetaData()
        tables.reflect(tx.connection)
        for name, table in tables.tables.items():
            if only is None or name in only:
                columns = table.columns if only is None else [_column(table, c) for c in only[name]]
                found[name] = sorted(map(tuple, tx.connection.execute(select(*columns))), key=repr)
    database.close()
    return found


def _column(table: Table, name: str) -> Column[Any]:
    return table.c[name if name in table.c else _RENAMED[table.name, name]]


def columns(url: str) -> dict[str, list[str]]:
    """The names of tables, but for Alembic's, and of their columns."""
    database = Database.connect(url, create=False)
    with database.read() as tx:
        tables = MetaData()
        tables.reflect(tx.connection)
    database.close()
    return {
        name: table.columns.keys()
        for name, table in tables.tables.items()
        if name not in {"alembic_version", "sqlite_sequence"}
    }


def upgrade_until(url: str, statement: int) -> None:
    """Upgrades, and kills this process right after its statement of that number."""
    numbers = count(1)

    def strike(*_: object) -> None:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", strike)
    event.listen(Engine, "commit", strike)
    schema.upgrade(Database.connect(url, create=False))


def _load_dump(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript((_KEPT / "store.sql").read_text("utf-8"))
    connection.close()


def _dumped(table: Table) -> list[dict[str, Any]]:
    """The rows of a table in the dump, as SQLAlchemy takes them for `table`."""
    dump = sqlite3.connect(":memory:")
    dump.row_factory = sqlite3.Row
    dump.executescript((_KEPT / "store.sql").read_text("utf-8"))
    rows = [dict(row) for row in dump.execute(f"SELECT * FROM {table.name}")]
    dump.close()
    return [{name: _typed(table, name, value) for name, value in row.items()} for row in rows]


def _typed(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if value is None:
        return None
    if isinstance(kind, Boolean):
        return bool(value)
    return json.loads(value) if str(kind) == "JSON" else value
