"""A store to be moved, and how two stores compare."""

from typing import Any

from sqlalchemy import select

from rotator.crypto.envelope import Sealed
from rotator.manager.call import Call
from rotator.manager.moving import MOVED
from rotator.manager.principals import EVERYTHING
from rotator.store import access_key_rows, identities, moving, schema
from rotator.store.database import Database
from rotator.store.moves import TABLES
from rotator.store.principal_rows import Identities, Kind
from rotator.store.store import Store
from rotator.store.tables import principals
from rotator.store.tx import Tx
from tests.support import killed_commits, older_store
from tests.support.manager import ACCOUNT, ME
from tests.support.store import AUDIT_KEY

SMALL = 12
"""Rows of a batch, so that even a small store takes many."""


def upgraded(url: str) -> str:
    """A store of this release, made of the kept one, in an empty database."""
    older_store.load(url)
    database = Database.connect(url, create=False)
    schema.upgrade(database)
    database.close()
    store = Store.open(url, create=False, audit_key=AUDIT_KEY)
    store.begin_audit()
    _let_in_someone(store)
    store.close()
    return url


def _let_in_someone(store: Store) -> None:
    """A principal with a policy and an access key: what the kept store's release did not know."""
    sealed = Sealed(key_id="k", wrapped_key=b"w", nonce=b"n", ciphertext=b"c", binary=False)
    with store.write() as tx:
        before = identities.begin_change(tx)
        identities.add(
            tx,
            account=ACCOUNT,
            kind=Kind.USER,
            name="alice",
            unique_id="AIDA0123456789ABCDEF",
            policies={"own": EVERYTHING},
        )
        [row] = tx.connection.execute(select(principals.c.id))
        access_key_rows.add_key(tx, row.id, "AKIA0123456789ABCDEF", sealed)
        identities.end_change(tx, before)


def known(url: str) -> Identities:
    """Who a store knows, where its rows are authentic."""
    store = Store.open(url, create=False, audit_key=AUDIT_KEY)
    with store.read() as tx:
        found = identities.load(tx)
    store.close()
    return found


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that moves, as the house reads it."""
    database = Database.connect(url, create=False)
    with database.read() as tx:
        found = {
            table.name: sorted(map(tuple, tx.connection.execute(select(table))), key=repr)
            for table in TABLES
        }
    database.close()
    return found


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """What a move doesn't change: all but its own record, and the heads of the audit with it."""
    found = everything(url)
    found["audit"] = [row for row in found["audit"] if MOVED not in row]
    del found["audit_heads"]
    return found


def recorded(url: str) -> list[tuple[Any, ...]]:
    """The records of moves."""
    return [row for row in everything(url)["audit"] if MOVED in row]


def run(source_url: str, url: str, *, observe: moving.Observer = lambda _: None) -> dict[str, int]:
    """Moves one store to the other in small batches."""
    source = Store.connect(source_url, create=False, lock_timeout=1, audit_key=AUDIT_KEY)
    destination = Database.connect(url, create=True, lock_timeout=1)

    def record(tx: Tx) -> None:
        Call(event=MOVED, **ME).record(tx, None)
        source.chain(tx)

    try:
        moved = moving.move(source, destination, record=record, observe=observe, batch=SMALL)
        return dict(moved)
    finally:
        source.close()
        destination.close()


def killed(source_url: str, url: str, strike: int) -> bool:
    """Whether a process that moves the store was killed at that point; False where it had ended before."""
    return killed_commits.killed(run, source_url, url, strike=strike)
