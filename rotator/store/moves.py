"""The marks of a store that was moved, and of one that is being filled: every release reads them before all else.

They stand in the revision of the schema, so that a release that knows nothing of moving refuses such a store too.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, text, update

from rotator.errors import StoreUnavailable
from rotator.store.tables import metadata, moves
from rotator.store.tx import Tx

MOVED = "+moved"
INCOMPLETE = "+incomplete"

TABLES = tuple(table for table in metadata.sorted_tables if table is not moves)
"""The tables whose rows move, parents first."""

_REVISE = text("UPDATE alembic_version SET version_num = :new WHERE version_num = :old")
_GET = select(moves.c.other, moves.c.run)
_INSERT = insert(moves).inline()
_DELETE = delete(moves)
_CLAIM = update(moves).values(run=bindparam("new"))
_IS_MINE = update(moves).where(moves.c.run == bindparam("mine")).values(run=bindparam("mine"))


@dataclass(frozen=True, slots=True)
class Move:
    """What a marked store knows of its move.

    Attributes:
        other: the other store's URL, without a password.
        run: the process that may write to a store that is being filled.
    """

    other: str
    run: str


def get(tx: Tx) -> Move:
    """The move of a store that is marked."""
    row = tx.execute(_GET).one_or_none()
    return Move("an unknown place", "") if row is None else Move(row.other, row.run)


def mark(tx: Tx, *, revision: str, mark: str, move: Move) -> None:
    """Marks a store that carries no mark.

    Raises:
        StoreUnavailable: another process has marked it meanwhile.
    """
    if tx.execute(_REVISE, {"old": revision, "new": revision + mark}).rowcount != 1:
        raise _other_run()
    tx.execute(_DELETE)
    tx.execute(_INSERT, {"other": move.other, "run": move.run, "at": tx.now})


def unmark(tx: Tx, *, revision: str, mark: str) -> None:
    """Makes a store one that anybody may use."""
    tx.execute(_REVISE, {"old": revision + mark, "new": revision})
    tx.execute(_DELETE)


def claim(tx: Tx, run: str) -> None:
    """From now on this run alone fills the store; an earlier one that still lives is refused at its next write."""
    tx.execute(_CLAIM, {"new": run})


def require_claim(tx: Tx, run: str) -> None:
    """Makes sure that this run still is the one that fills the store; it also locks the claim.

    Raises:
        StoreUnavailable: another run has taken its place.
    """
    if tx.execute(_IS_MINE, {"mine": run}).rowcount != 1:
        raise _other_run()


def hold(tx: Tx) -> None:
    """From now until the transaction ends nobody else writes to the store; reads go on."""
    if tx.dialect == "sqlite":
        return  # a write transaction is alone
    tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    tx.connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    names = ", ".join(_names(tx))
    tx.connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def forbid_writes(tx: Tx) -> None:
    """Whoever has the store open already, and read no mark, is refused by the database itself."""
    if tx.dialect == "sqlite":
        for name in _names(tx):
            for change in ("INSERT", "UPDATE", "DELETE"):
                tx.connection.exec_driver_sql(
                    f"CREATE TRIGGER moved_{name}_{change.lower()} BEFORE {change} ON {name} "
                    "BEGIN SELECT RAISE(ABORT, 'this store was moved'); END"
                )
        return
    tx.connection.exec_driver_sql(
        "CREATE FUNCTION rotator_store_was_moved() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE read_only_sql_transaction USING MESSAGE = 'this store was moved'; END $$"
    )
    for name in _names(tx):
        tx.connection.exec_driver_sql(
            f"CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name} "
            "EXECUTE FUNCTION rotator_store_was_moved()"
        )


def _names(tx: Tx) -> tuple[str, ...]:
    preparer = tx.connection.dialect.identifier_preparer
    return tuple(preparer.format_table(table) for table in TABLES)


def _other_run() -> StoreUnavailable:
    return StoreUnavailable(
        "Another process has begun to fill this store meanwhile. Nothing that it wrote was touched; "
        "let it end, or end it and run the command again."
    )
