"""Moves a store to another database: all of it, compared row by row, and only then is the other one the store.

While it runs the source is locked against writes and the destination is marked incomplete, so that nobody uses it. What
was copied is committed batch by batch; after an interruption the next run compares what is there, and goes on. At the
end the source is closed before the destination is opened: at no moment can both be written.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import inspect
from sqlalchemy.exc import DataError, IntegrityError

from rotator.errors import ConfigurationError, RotationInProgress, StoreUnavailable
from rotator.store import moves, numbering, open_rotations, schema
from rotator.store.database import Database
from rotator.store.moves import TABLES, Move
from rotator.store.moving_rows import Copying, count
from rotator.store.schema import REVISIONS, SchemaState
from rotator.store.tx import Tx

_BATCH = 500


class Stage(StrEnum):
    """What is being done with a table."""

    COPYING = "copying"
    COMPARING = "comparing"


class Destination(StrEnum):
    """What a destination is before the move."""

    NEW = "new"  # no tables of ours
    EMPTY = "empty"  # this release's schema, without data
    BEGUN = "begun"  # an earlier run was interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one table is: `done` of `total` rows."""

    table: str
    stage: Stage
    done: int
    total: int


Observer = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a move would do: the rows of each table, and what the destination is now."""

    rows: Mapping[str, int]
    destination: Destination


def plan(source: Database, destination: Database | None) -> Plan:
    """What `move` would do now; nothing is changed, and nobody has to wait.

    Args:
        destination: None for a SQLite file that is still to be made.

    Raises:
        As `move` does.
    """
    with source.read() as tx:
        _require_open(tx, source)
        _require_rest(tx)
        rows = {table.name: count(tx, table) for table in TABLES}
    found = Destination.NEW if destination is None else _examine(source, destination)
    return Plan(rows=rows, destination=found)


def move(
    source: Database,
    destination: Database,
    *,
    record: Callable[[Tx], None],
    observe: Observer,
    batch: int = _BATCH,
) -> Mapping[str, int]:
    """Moves a store, and gives the number of rows of each table that were compared at the end.

    Args:
        source: others can read it meanwhile; their writes wait for as long as they wait for locks, then are refused.
        record: leaves the record of the move in the source, as it begins to be copied: so it is in both stores, or in
            neither.
        observe: told how far it is, at least once for each batch.
        batch: rows in one transaction on the destination.

    Raises:
        ConfigurationError: the destination is not an empty database that can hold a store.
        RotationInProgress: a rotation is at work; nothing was begun.
        StoreUnavailable: one of both can't be reached or is another release's, or was moved already. What was copied so
            far stays, marked incomplete, and the source is the store as before.
    """
    run = uuid.uuid4().hex
    with ExitStack() as ending, source.write() as tx:
        closed = _is_closed_for(tx, destination)
        if not closed:
            _require_open(tx, source)
        moves.hold(tx)
        _require_rest(tx)
        found = _examine(source, destination)
        if not closed:
            record(tx)
        _claim(source, destination, found, run=run)
        _copy(tx, destination, run=run, observe=observe, batch=batch)
        copy = ending.enter_context(_filling(destination, run))
        compared = _compare(tx, copy, observe=observe, batch=batch)
        numbering.carry_on(tx, copy)
        moves.unmark(copy, revision=REVISIONS[-1], mark=moves.INCOMPLETE)
        if not closed:
            there = Move(other=destination.url_shown, run=run)
            moves.mark(tx, revision=REVISIONS[-1], mark=moves.MOVED, move=there)
            moves.forbid_writes(tx)
        # The source is closed here, and the destination opened after it. Who interrupts it in between
        # finds both closed, and the next run opens the destination.
    return compared


def _is_closed_for(tx: Tx, destination: Database) -> bool:
    """Whether an earlier run was interrupted after it closed the source, right before it opened this destination."""
    return (
        schema.examine(tx) is SchemaState.MOVED
        and moves.get(tx).other == destination.url_shown
        and schema.check(destination) is SchemaState.INCOMPLETE
    )


def _require_open(tx: Tx, source: Database) -> None:
    """Refuses what is not a whole store of this release."""
    state = schema.examine(tx)
    schema.refuse_closed(tx, state, shown=source.url_shown)
    if state is SchemaState.BEHIND:
        raise StoreUnavailable(
            f"The schema of the store {source.url_shown} is an earlier release's. "
            "Make a backup, bring it up, then move it: rotate db upgrade"
        )


def _require_rest(tx: Tx) -> None:
    at_work = open_rotations.leased(tx)
    if at_work:
        named = "; ".join(f"{arn} by {row.owner}" for arn, row in at_work)
        raise RotationInProgress(
            f"A store can't be moved while rotations are at work: {named}. Let them end, stop the "
            "daemons, then run the command again."
        )


def _examine(source: Database, destination: Database) -> Destination:
    if source.url_shown == destination.url_shown:
        raise ConfigurationError(
            f"{source.url_shown} is the store itself. Name an empty database to move it to."
        )
    with destination.read() as tx:
        if tx.dialect == "postgresql":
            _require_utf8(tx, destination)
        tables = set(inspect(tx.connection).get_table_names())
        if not tables & {"alembic_version", *(table.name for table in TABLES)}:
            return Destination.NEW
        state = schema.examine(tx)
        if state is SchemaState.INCOMPLETE:
            if moves.get(tx).other != source.url_shown:
                schema.refuse_closed(tx, state, shown=destination.url_shown)
            return Destination.BEGUN
        if state is SchemaState.CURRENT and not any(count(tx, table) for table in TABLES):
            return Destination.EMPTY
    raise ConfigurationError(
        f"The database {destination.url_shown} has data or tables of its own, which are left as they are. "
        "Name an empty database."
    )


def _require_utf8(tx: Tx, destination: Database) -> None:
    encoding = tx.connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The database {destination.url_shown} has the encoding {encoding}, which can't hold every text. "
            "Make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def _claim(source: Database, destination: Database, found: Destination, *, run: str) -> None:
    with destination.write() as tx:
        if found is Destination.BEGUN:
            moves.claim(tx, run)
            return
        schema.migrate(tx, shown=destination.url_shown)
        here = Move(other=source.url_shown, run=run)
        moves.mark(tx, revision=REVISIONS[-1], mark=moves.INCOMPLETE, move=here)


@contextmanager
def _filling(destination: Database, run: str) -> Iterator[Tx]:
    with destination.write() as tx:
        moves.require_claim(tx, run)
        yield tx


def _copy(tx: Tx, destination: Database, *, run: str, observe: Observer, batch: int) -> None:
    def writing() -> AbstractContextManager[Tx]:
        return _filling(destination, run)

    for table in TABLES:
        counted = _counting(observe, table.name, Stage.COPYING, total=count(tx, table))
        copying = Copying(table=table, batch=batch, counted=counted)
        try:
            partly = copying.discard(tx, writing)
            copying.fill(tx, writing, partly=partly)
        except (IntegrityError, DataError) as error:
            raise StoreUnavailable(
                f"A row of the table {table.name} can't be held by {destination.url_shown}: {error.orig}. "
                "The source is unchanged. Mend the row there, then run the command again."
            ) from None


def _compare(tx: Tx, copy: Tx, *, observe: Observer, batch: int) -> Mapping[str, int]:
    moves.hold(copy)
    compared = {}
    for table in TABLES:
        counted = _counting(observe, table.name, Stage.COMPARING, total=count(tx, table))
        copying = Copying(table=table, batch=batch, counted=counted)
        compared[table.name] = copying.compare(tx, copy)
    return compared


def _counting(observe: Observer, name: str, stage: Stage, *, total: int) -> Callable[[int], None]:
    done = 0

    def counted(rows: int) -> None:
        nonlocal done
        done += rows
        observe(Progress(table=name, stage=stage, done=done, total=total))

    counted(0)
    return counted
