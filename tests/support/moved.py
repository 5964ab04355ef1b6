"""A store to be moved, and how two stores compare."""

from typing import Any

from sqlalchemy import select

from rotator.store import moving, schema
from rotator.store.database import Database
from rotator.store.moves import TABLES
from tests.support import killed_commits, older_store

SMALL = 12
"""Rows of a batch, so that even a small store takes many."""


def upgraded(url: str) -> str:
    """A store of this release, made of the kept one, in an empty database."""
    older_store.load(url)
    database = Database.connect(url, create=False)
    schema.upgrade(database)
    database.close()
    return url


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that moves, as the house reads it."""
    database = Database.connect(url, create=False)
    with database.read() as tx:
        found = {
            table.name: sorted(map(tuple, tx.connection.execute(select(table))), key=repr)
            for table in TABLES
        }
    database.close()
    return found


def run(source_url: str, url: str, *, observe: moving.Observer = lambda _: None) -> dict[str, int]:
    """Moves one store to the other in small batches."""
    source = Database.connect(source_url, create=False, lock_timeout=1)
    destination = Database.connect(url, create=True, lock_timeout=1)
    try:
        return dict(moving.move(source, destination, observe=observe, batch=SMALL))
    finally:
        source.close()
        destination.close()


def killed(source_url: str, url: str, strike: int) -> bool:
    """Whether a process that moves the store was killed at that point; False where it had ended before."""
    return killed_commits.killed(run, source_url, url, strike=strike)
