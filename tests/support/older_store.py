"""The kept store of the first release, on both engines, and what is in it."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Boolean,
    Engine,
    MetaData,
    Table,
    column,
    event,
    insert,
    make_url,
    table,
    text,
)

from rotator.store import schema
from rotator.store.database import Database
from rotator.store.tx import Tx

REVISION = "0001"
_KEPT = Path(__file__).parents[1] / "data" / f"store-{REVISION}"

_RENAMED = {("audit", "id"): "seq"}
"""What later releases call a column of the first one."""

Rows = dict[str, list[tuple[Any, ...]]]
"""By table, in order."""

Columns = dict[str, list[str]]
"""By table."""

_COLUMNS = {
    "sqlite": (
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND t.name <> 'sqlite_sequence' ORDER BY t.name, c.cid"
    ),
    "postgresql": (
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    ),
}


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


def contents(url: str, *, only: Columns | None = None) -> Rows:
    """Every row as the database holds it; `only` names the tables and columns to look at."""
    database = Database.connect(url, create=False)
    with database.read() as tx:
        now = _columns(tx)
        found = {
            name: _rows(tx, name, [_name_now(name, each, now[name]) for each in wanted])
            for name, wanted in (now if only is None else only).items()
        }
    database.close()
    return found


def columns(url: str) -> Columns:
    """The names of tables, but for Alembic's, and of their columns."""
    database = Database.connect(url, create=False)
    with database.read() as tx:
        found = _columns(tx)
    database.close()
    return {name: each for name, each in found.items() if name != "alembic_version"}


def _columns(tx: Tx) -> Columns:
    """By table. Reflection, which finds out much more, takes ten times as long."""
    found: Columns = {}
    for name, column_name in tx.connection.exec_driver_sql(_COLUMNS[tx.dialect]):
        found.setdefault(name, []).append(column_name)
    return found


def _rows(tx: Tx, name: str, wanted: Sequence[str]) -> list[tuple[Any, ...]]:
    asked = table(name, *(column(each) for each in wanted)).select()
    return sorted(map(tuple, tx.connection.execute(asked)), key=repr)


def _name_now(name: str, column_name: str, now: Sequence[str]) -> str:
    return column_name if column_name in now else _RENAMED[name, column_name]


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
