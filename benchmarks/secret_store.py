"""SQLite stores with any number of secrets, made by bulk inserts."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex

from benchmarks.house import CALLER
from rotator.model.names import secret_arn
from rotator.store.search import Texts
from rotator.store.store import Store
from rotator.store.tables import labels, secrets, tags, versions, words

RARE = 40
"""Secrets that `rare` finds, whatever the store's size: by name, description, tag key and tag value."""

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000  # in the store's microseconds
_START = int(BEGAN.timestamp()) * _SECOND
_DAY = 86_400 * _SECOND
_TEAMS, _ENVIRONMENTS = 40, ("prod", "staging", "test")
_PURPOSES = ("Database password", "Payment gateway key", "Mail relay token")
_BLOCK = 10_000
_TABLES = (secrets, versions, labels, tags, words)
# What the copies of the first block have of their own. In no order are the copies of one secret neighbours.
_COPIED = {
    "id": "id + :first",
    "secret_id": "secret_id + :first",
    "name": "name || '/copy' || :copy",
    "arn": "replace(arn, '-AbCdEf', '/copy' || :copy || '-AbCdEf')",
    "created_at": "created_at + :first * 1000000",
    "changed_at": "changed_at + :copy * 3517000000",
    "due_at": "due_at + :copy * 3517000000",
}


def build(folder: Path, count: int) -> Store:
    """A store with `count` secrets in a new file: each with a version, its label, two tags, and a due time.

    The first ones are made by rotator's own rules, the others as copies of them in SQL.
    """
    path = folder / f"{count}.db"
    Store.open(f"sqlite:///{path}", create=True).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # it may be lost: nobody has it yet
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA threads = 2")  # for sorting
        indexes = [CreateIndex(index) for table in _TABLES for index in table.indexes]
        for index in indexes:  # made at the end, by sorting
            connection.execute(f"DROP INDEX {index.element.name}")
        connection.execute("BEGIN")
        _fill(connection, count)
        for index in indexes:
            connection.execute(str(index.compile(dialect=sqlite.dialect())))
        connection.execute("COMMIT")
    return Store.open(f"sqlite:///{path}", create=False)


def _fill(connection: sqlite3.Connection, count: int) -> None:
    numbers = range(1, _BLOCK + 1)
    rows: Mapping[Table, Callable[[int], Iterator[dict[str, Any]]]] = {
        secrets: _secret,
        versions: _version,
        labels: _label,
        tags: _tags,
        words: _words,
    }
    for table, of in rows.items():
        _insert(connection, table, (row for number in numbers for row in of(number)))
    for copy in range(1, count // _BLOCK):
        for table in _TABLES:
            _copy(connection, table, copy)
        connection.execute(
            "INSERT INTO words (secret_id, place, word) SELECT id + :first, 'n', :word FROM secrets WHERE id <= :block",
            {"first": copy * _BLOCK, "word": f"copy{copy}", "block": _BLOCK},
        )
    for number in range(count // RARE, count + 1, count // RARE):
        _make_rare(connection, number)


def _insert(connection: sqlite3.Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    defaults = {
        column.name: getattr(column.default, "arg", None)
        for column in table.columns
        if not column.nullable
    }
    full = [defaults | row for row in rows]
    columns = ", ".join(full[0])
    marks = ", ".join(f":{name}" for name in full[0])
    connection.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", full)  # noqa: S608  # our own names


def _copy(connection: sqlite3.Connection, table: Table, copy: int) -> None:
    names = [column.name for column in table.columns]
    values = ", ".join(_COPIED.get(name, name) for name in names)
    key = "id" if table is secrets else "secret_id"
    connection.execute(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {table.name} WHERE {key} <= :block",  # noqa: S608  # our own names
        {"first": copy * _BLOCK, "copy": copy, "block": _BLOCK},
    )


def _make_rare(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(
        "UPDATE secrets SET name = 'rare/' || name, arn = replace(arn, ':secret:', ':secret:rare/'), "
        "description = description || ', rarely' WHERE id = ?",
        (number,),
    )
    connection.execute("INSERT INTO tags VALUES (?, 'rare', 'rarely')", (number,))
    found = [
        (number, place, word)
        for place, word in (("n", "rare"), ("d", "rarely"), ("t", "rare"), ("t", "rarely"))
    ]
    connection.executemany("INSERT INTO words VALUES (?, ?, ?)", found)


def _texts(number: int) -> Texts:
    team, environment = f"team-{number % _TEAMS:02d}", _ENVIRONMENTS[number % 3]
    # The order of names is not that of creation.
    name = f"{team}/{environment}/app-{number * 2_654_435_761 % 2**32:08x}"
    purpose = _PURPOSES[number // 7 % 3]
    return Texts(name=name, description=purpose, tags={"environment": environment, "team": team})


def _secret(number: int) -> Iterator[dict[str, Any]]:
    texts = _texts(number)
    shuffled = number * 7919 % _BLOCK
    yield {
        "id": number,
        "account": CALLER.account,
        "region": CALLER.region,
        "name": texts.name,
        "arn": secret_arn(
            region=CALLER.region, account=CALLER.account, name=texts.name, suffix="AbCdEf"
        ),
        "description": texts.description,
        "created_at": _START + number * _SECOND,
        "changed_at": _START + (10**8 + shuffled) * _SECOND,
        "accessed_on": _START + shuffled % 300 * _DAY if number % 5 else None,
        "due_at": _START + shuffled * 3600 * _SECOND,
        "tagged": True,
        "revision": 1,
    }


def _version(number: int) -> Iterator[dict[str, Any]]:
    yield {
        "secret_id": number,
        "version_id": f"{number:032d}",
        "created_at": _START + number * _SECOND,
        "binary": False,
        "key_id": "bench",
        "wrapped_key": bytes(60),
        "nonce": bytes(12),
        "ciphertext": bytes(60),
    }


def _label(number: int) -> Iterator[dict[str, Any]]:
    yield {"secret_id": number, "label": "AWSCURRENT", "version_id": f"{number:032d}"}


def _tags(number: int) -> Iterator[dict[str, Any]]:
    for key, value in _texts(number).tags.items():
        yield {"secret_id": number, "key": key, "value": value}


def _words(number: int) -> Iterator[dict[str, Any]]:
    for place, word in sorted(_texts(number).words()):
        yield {"secret_id": number, "place": str(place), "word": word}
