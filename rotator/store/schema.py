"""Which release of the schema a database has, and how it gets this one's."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import as_file, files

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from rotator.errors import StoreUnavailable
from rotator.model.caller import Caller
from rotator.store import audit, audit_heads, moves
from rotator.store.database import Database
from rotator.store.tx import Tx

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision, oldest first: a start need not import Alembic to learn that all is current."""

_REVISION = text("SELECT version_num FROM alembic_version")
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_LOCK_KEY = int.from_bytes(b"rotator", "big")


UPGRADED = "UpgradeSchema"
"""The event of a store's upgrade; its record is in the transaction of the upgrade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who had a store opened or upgraded, as its record names them."""

    caller: Caller
    request_id: str


class SchemaState(StrEnum):
    """How a database's schema compares with this release's."""

    CURRENT = "current"
    BEHIND = "behind"  # an earlier release's, or none yet
    NEWER = "newer"  # a later release's
    MOVED = "moved"  # its data are in another database now
    INCOMPLETE = "incomplete"  # another store is being moved here


def check(database: Database) -> SchemaState:
    """How the schema of `database` compares with this release's.

    Raises:
        StoreUnavailable: the database can't be reached.
    """
    try:
        with database.read() as tx:
            return _state(tx)
    except DBAPIError:
        # No such table, most likely. To look for it first would cost every start a round trip.
        with database.read() as tx:
            return examine(tx)


def revision(database: Database) -> str | None:
    """The revision of a database's schema; None where it has none yet.

    Raises:
        StoreUnavailable: the database can't be reached.
    """
    with database.read() as tx:
        return _revision(tx) if _has_schema(tx) else None


def upgrade(database: Database, *, asked_by: Asked | None = None) -> None:
    """Migrates `database` to this release's schema, in one transaction.

    Of processes that do so at the same time one does the work, and the others wait for it.

    Args:
        asked_by: who it is recorded for, where the database is a store whose audit was begun.

    Raises:
        KeyUnavailable: it can't be recorded. The schema is as it was.
        StoreUnavailable: the schema is a later release's, the store was or is being moved, a migration failed, or
            the database can't be reached. The schema is as it was.
    """
    try:
        with database.write() as tx:
            migrate(tx, shown=database.url_shown, asked_by=asked_by)
    except DBAPIError as error:
        raise StoreUnavailable(
            f"The schema of {database.url_shown} can't be brought up to this release, and is as it "
            f"was: {error.orig}. Give rotator a database that no other program has tables in."
        ) from error


def migrate(tx: Tx, *, shown: str, asked_by: Asked | None = None) -> None:
    """Migrates to this release's schema in a transaction that goes on after it; arguments as `upgrade` has them.

    Raises:
        StoreUnavailable: the schema is a later release's, or the store was or is being moved.
        DBAPIError: a migration failed.
    """
    if tx.dialect == "postgresql":
        _wait_for_others(tx)
    state = examine(tx)
    refuse_closed(tx, state, shown=shown)
    if state is SchemaState.BEHIND:
        before = _revision(tx) if _has_schema(tx) else None
        _run_migrations(tx)
        if asked_by is not None and before is not None and audit_heads.everything(tx):
            audit.record(
                tx,
                caller=asked_by.caller,
                request_id=asked_by.request_id,
                event=UPGRADED,
                secret_arn=None,
                version_id=None,
                outcome=audit.Outcome.SUCCEEDED,
                detail={"from": before, "to": REVISIONS[-1]},
            )


def require(database: Database, *, asked_by: Asked | None = None) -> None:
    """Makes sure of this release's schema: SQLite is upgraded, PostgreSQL is for a person to do.

    Args:
        asked_by: as `upgrade` has it.

    Raises:
        KeyUnavailable: as `upgrade` does.
        StoreUnavailable: the schema is another release's, the store was or is being moved, or the database can't be
            reached.
    """
    state = check(database)
    if state is SchemaState.CURRENT:
        return
    with database.read() as tx:
        refuse_closed(tx, state, shown=database.url_shown)
    if database.dialect == "postgresql":
        raise StoreUnavailable(
            f"The store {database.url_shown} has no schema yet, or an earlier release's. "
            "Back it up where it has data, then run: rotate db upgrade"
        )
    upgrade(database, asked_by=asked_by)


def refuse_closed(tx: Tx, state: SchemaState, *, shown: str) -> None:
    """Refuses a store that nobody of this release may use: a later one's, one that was moved, or an incomplete one.

    Raises:
        StoreUnavailable: `state` is one of these; it says how to go on.
    """
    if state is SchemaState.NEWER:
        raise StoreUnavailable(
            f"The schema of the store {shown} is a later release's; nothing was changed. "
            "Install that release: pip install --upgrade rotator-engine"
        )
    if state is SchemaState.MOVED:
        raise StoreUnavailable(
            f"The store {shown} was moved to {moves.get(tx).other}. It is kept as it was then, and nothing is written "
            "to it any more. Name the new place in the settings (store.url). To go back, move it from there to an "
            "empty database: rotate db migrate --to URL"
        )
    if state is SchemaState.INCOMPLETE:
        raise StoreUnavailable(
            f"The store {shown} is incomplete: {moves.get(tx).other} is being moved here, or that was interrupted. "
            "To go on, run the same rotate db migrate again. To give it up, drop this database: the other store has "
            "all of it."
        )


def examine(tx: Tx) -> SchemaState:
    """How the schema of a database that may have none compares with this release's."""
    return _state(tx) if _has_schema(tx) else SchemaState.BEHIND


def _has_schema(tx: Tx) -> bool:
    return inspect(tx.connection).has_table("alembic_version")


def _revision(tx: Tx) -> str | None:
    revision: str | None = tx.connection.execute(_REVISION).scalar_one_or_none()
    return revision


def _state(tx: Tx) -> SchemaState:
    revision = _revision(tx)
    if revision == REVISIONS[-1]:
        return SchemaState.CURRENT
    if revision is not None and revision.endswith(moves.MOVED):
        return SchemaState.MOVED
    if revision is not None and revision.endswith(moves.INCOMPLETE):
        return SchemaState.INCOMPLETE
    if revision is None or revision in REVISIONS:
        return SchemaState.BEHIND
    return SchemaState.NEWER


def _wait_for_others(tx: Tx) -> None:
    # A migration may take longer than any other transaction does, and so may the wait for it.
    tx.connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    tx.connection.execute(_LOCK, {"key": _LOCK_KEY})


def _run_migrations(tx: Tx) -> None:
    from alembic import command
    from alembic.config import Config

    with as_file(files("rotator.store") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")
