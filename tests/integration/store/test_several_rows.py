"""A statement that is run for many sets of parameters, on both databases."""

import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.exc import IntegrityError

from rotator.store.several_rows import on_sqlite
from rotator.store.store import Store
from rotator.store.tables import secrets, tags
from rotator.store.tx import Tx
from tests.support.store import only_sqlite

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_INSERT_SECRET = insert(secrets).returning(secrets.c.id)
_INSERT = insert(tags)
_UPSERT = insert_on_sqlite(tags)
_UPSERT = _UPSERT.on_conflict_do_update(
    index_elements=("secret_id", "key"), set_={"value": _UPSERT.excluded.value}
)
_CHANGE = update(tags).where(tags.c.key == bindparam("at_key")).values(value=bindparam("to_value"))
_ALL = select(tags.c.key, tags.c.value).order_by(tags.c.key)


def _secret(tx: Tx) -> int:
    columns = {
        "account": "000000000000",
        "region": "us-east-1",
        "name": "a",
        "arn": "arn:a",
        "created_at": _NOW,
        "changed_at": _NOW,
        "rotation_enabled": False,
    }
    found: int = tx.execute(_INSERT_SECRET, columns).scalar_one()
    return found


def _tags(secret_id: int, keys: range) -> list[dict[str, object]]:
    return [{"secret_id": secret_id, "key": f"{n:04}", "value": f"of {n}"} for n in keys]


def _found(tx: Tx) -> list[tuple[str, str]]:
    return [(row.key, row.value) for row in tx.execute(_ALL)]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 63, 64, 65, 255, 256, 257, 700])
def test_each_row_is_written_as_it_was_given(store: Store, count: int) -> None:
    """However many rows there are, each has its own values, and all of them are counted."""
    with store.write() as tx:
        secret_id = _secret(tx)
        written = tx.execute(_INSERT, _tags(secret_id, range(count)))
        assert written.rowcount == count
        assert _found(tx) == [(f"{n:04}", f"of {n}") for n in range(count)]


@pytest.mark.parametrize("again", [0, 1, 31, 62])
def test_a_refused_row_refuses_the_transaction(store: Store, again: int) -> None:
    """Wherever among many rows one is refused, none of the transaction is kept, and no value is in the error."""
    with store.write() as tx:
        secret_id = _secret(tx)
        tx.execute(_INSERT, _tags(secret_id, range(again, again + 1)))
    rows = [*_tags(secret_id, range(1000, 1002)), *_tags(secret_id, range(63))]
    with pytest.raises(IntegrityError) as caught, store.write() as tx:
        tx.execute(_INSERT, rows)
    assert f"of {again}" not in str(caught.value)
    with store.read() as tx:
        assert [key for key, _ in _found(tx)] == [f"{again:04}"]


def test_a_row_without_its_owner_is_refused(store: Store) -> None:
    """A foreign key that one of many rows violates refuses the transaction."""
    with store.write() as tx:
        secret_id = _secret(tx)
    rows = [*_tags(secret_id, range(9)), *_tags(secret_id + 1, range(9))]
    with pytest.raises(IntegrityError), store.write() as tx:
        tx.execute(_INSERT, rows)
    with store.read() as tx:
        assert not _found(tx)


def test_a_change_is_made_for_each(store: Store) -> None:
    """What is no insertion is run once for each of its parameters, and what it changed is counted."""
    with store.write() as tx:
        tx.execute(_INSERT, _tags(_secret(tx), range(3)))
        changes = [{"at_key": f"{n:04}", "to_value": f"now {n}"} for n in range(1, 7)]
        assert tx.execute(_CHANGE, changes).rowcount == 2
        assert _found(tx) == [("0000", "of 0"), ("0001", "now 1"), ("0002", "now 2")]


@only_sqlite
def test_a_row_that_is_there_is_changed_where_that_was_asked_for(store: Store) -> None:
    """Many rows that are to replace those that are there do so, the last one of a key at last."""
    with store.write() as tx:
        secret_id = _secret(tx)
        tx.execute(_INSERT, _tags(secret_id, range(5)))
        rows = [{"secret_id": secret_id, "key": f"{n % 4:04}", "value": f"{n}"} for n in range(8)]
        tx.execute(_UPSERT, rows)
        assert _found(tx) == [*((f"{n:04}", f"{n + 4}") for n in range(4)), ("0004", "of 4")]


@pytest.mark.parametrize("columns", [1, 14, 499, 500, 998])
def test_no_statement_has_more_variables_than_an_old_sqlite_takes(columns: int) -> None:
    """The rows of a wide table go by fewer at a time, down to one."""
    driver = sqlite3.connect(":memory:")
    try:
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        names = ", ".join(f"c{n}" for n in range(columns))
        driver.execute(f"CREATE TABLE wide ({names})")
        places = ", ".join("?" * columns)
        rows = [tuple(range(row, row + columns)) for row in range(1100)]
        written = on_sqlite(driver, f"INSERT INTO wide ({names}) VALUES ({places})", rows)
        assert written == 1100
        assert driver.execute("SELECT * FROM wide ORDER BY rowid").fetchall() == rows
    finally:
        driver.close()
