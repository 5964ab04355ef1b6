"""Which release of the schema a database has, and how it gets this one's."""

from enum import StrEnum
from importlib.resources import as_file, files

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from rotator.errors import StoreUnavailable
from rotator.store.database import Database
from rotator.store.tx import Tx

REVISIONS = ("0001",)
"""Every revision, oldest first. It stands here so that a start need not import alembic to find nothing to do."""

_REVISION = text("SELECT version_num FROM alembic_version")
_MIGRATION_LOCK = 0x726F7461746F72  # "rotator"


class SchemaState(StrEnum):
    """How a database's schema compares with this release's."""

    CURRENT = "current"
    BEHIND = "behind"  # older, or none yet
    NEWER = "newer"  # of a later release


def check(database: Database) -> SchemaState:
    """How the schema of `database` compares with this release's.

    Raises:
        StoreUnavailable: the database can't be reached.
    """
    try:
        with database.read() as tx:
            return _state(tx.connection.execute(_REVISION).scalar_one_or_none())
    except (
        DBAPIError
    ):  # no such table, most likely; asked for only now, to spare every start a round trip
        with database.read() as tx:
            return _examine(tx)


def upgrade(database: Database) -> None:
    """Migrates `database` to this release's schema in one transaction; of several processes only one does the work.

    Raises:
        StoreUnavailable: its schema is of a later release, or the database can't be reached.
    """
    with database.write() as tx:
        if tx.dialect == "postgresql":
            _wait_for_others(tx)
        state = _examine(tx)
        if state is SchemaState.NEWER:
            raise _newer(database)
        if state is SchemaState.BEHIND:
            _migrate(tx)


def require(database: Database) -> None:
    """Sees to it that the schema is this release's: SQLite is upgraded, PostgreSQL is somebody's to upgrade.

    Raises:
        StoreUnavailable: the schema is another release's.
    """
    state = check(database)
    if state is SchemaState.NEWER:
        raise _newer(database)
    if state is SchemaState.BEHIND:
        if database.dialect == "postgresql":
            raise StoreUnavailable(
                f"The store {database.url_shown} has no schema yet, or an older release's. "
                "Make a backup, then run: rotate db upgrade"
            )
        upgrade(database)


def _newer(database: Database) -> StoreUnavailable:
    return StoreUnavailable(
        f"The store {database.url_shown} has the schema of a later release of rotator; nothing was changed. "
        "Install that release: pip install --upgrade rotator-engine"
    )


def _state(revision: str | None) -> SchemaState:
    if revision is None:
        return SchemaState.BEHIND
    if revision not in REVISIONS:
        return SchemaState.NEWER
    return SchemaState.CURRENT if revision == REVISIONS[-1] else SchemaState.BEHIND


def _examine(tx: Tx) -> SchemaState:
    if not inspect(tx.connection).has_table("alembic_version"):
        return SchemaState.BEHIND
    return _state(tx.connection.execute(_REVISION).scalar_one_or_none())


def _wait_for_others(tx: Tx) -> None:
    # A migration may take longer than any other transaction, and those who wait for it wait as long.
    tx.connection.execute(text("SET LOCAL lock_timeout = 0"))
    tx.connection.execute(text("SET LOCAL statement_timeout = 0"))
    tx.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})


def _migrate(tx: Tx) -> None:
    from alembic import command
    from alembic.config import Config

    with as_file(files("rotator.store") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")
