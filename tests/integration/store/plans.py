"""Does a statement find its rows by an index? The engine's own query plan tells."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, CursorResult, Engine, Executable, event

from rotator.store.partial_indexes import metadata
from rotator.store.statements import Prepared
from rotator.store.store import Store

# An index of the few rows that wait for something may be read from end to end.
_PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
_PARAMETERS: Mapping[str, Any] = {}


def assert_indexed(
    store: Store, statement: Executable, parameters: Mapping[str, Any] = _PARAMETERS
) -> None:
    """Fails, with the plan, where `statement` reads a whole table or a whole index.

    The statement is planned, not run. `parameters` are its bound parameters' values.
    """
    with store.read() as tx:
        sent = _captured(tx.connection, statement, parameters)
    assert_sent_indexed(store, sent)


@dataclass(frozen=True)
class Sent:
    """A statement as the driver got it."""

    sql: str
    parameters: Any


def has_plan(sent: Sent) -> bool:
    """Whether the engines explain it: not what begins or sets up a transaction."""
    return sent.sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}


def assert_sent_indexed(store: Store, sent: Sent) -> None:
    """Fails like `assert_indexed`, for a statement that was recorded by `recording`."""
    with store.read() as tx:
        if store.dialect == "sqlite":
            plan, scans = _sqlite_plan(tx.connection, sent)
        else:
            plan, scans = _postgresql_plan(tx.connection, sent)
    assert not scans, f"{sent.sql}\nreads all of {', '.join(scans)}:\n{plan}"


@contextmanager
def recording() -> Iterator[list[Sent]]:
    """Every statement that any store runs meanwhile, each text once."""
    found: dict[str, Sent] = {}
    sent: list[Sent] = []

    def record(
        _connection: object, _cursor: object, sql: str, bound: Any, _: object, many: bool
    ) -> None:
        if sql not in found:
            found[sql] = Sent(sql, bound[0] if many else bound)
            sent.append(found[sql])

    bind = Prepared.bind

    def bind_and_record(prepared: Prepared, parameters: Mapping[str, Any]) -> Any:
        bound = bind(prepared, parameters)
        record(None, None, prepared.sql, bound, None, many=False)
        return bound

    event.listen(Engine, "before_cursor_execute", record)
    try:
        with patch.object(Prepared, "bind", bind_and_record):
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", record)


class _Captured(Exception):
    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.sql)
        self.sent = sent


def _captured(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> Sent:
    def capture(_connection: object, _cursor: object, sql: str, bound: Any, *_: object) -> None:
        raise _Captured(Sent(sql, bound))

    event.listen(connection, "before_cursor_execute", capture)
    try:
        connection.execute(statement, parameters)
    except _Captured as captured:
        return captured.sent
    finally:
        event.remove(connection, "before_cursor_execute", capture)
    raise AssertionError("the statement was run")


def _explain(connection: Connection, sent: Sent, *, command: str) -> CursorResult[Any]:
    return connection.exec_driver_sql(f"{command} {sent.sql}", sent.parameters)


def _sqlite_plan(connection: Connection, sent: Sent) -> tuple[str, list[str]]:
    rows = _explain(connection, sent, command="EXPLAIN QUERY PLAN")
    steps = [row.detail for row in rows]
    # A common table expression holds the rows that a search has found.
    found = {step.split()[1] for step in steps if step.startswith(("CO-ROUTINE", "MATERIALIZE"))}
    scans = [step for step in steps if _is_sqlite_scan(step) and step.split()[1] not in found]
    return "\n".join(steps), scans


def _is_sqlite_scan(step: str) -> bool:
    # https://sqlite.org/eqp.html: SEARCH visits a part of the rows, SCAN all of them.
    words = step.split()
    if words[0] != "SCAN" or step == "SCAN CONSTANT ROW" or "VIRTUAL TABLE" in step:
        return False
    return words[-1] not in _PARTIAL


def _postgresql_plan(connection: Connection, sent: Sent) -> tuple[str, list[str]]:
    # On a table as small as a test's the planner reads all of it, unless that counts as a last
    # resort.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    rows = _explain(connection, sent, command="EXPLAIN (FORMAT JSON)")
    plan = rows.scalar_one()
    scans = [_named(node) for node in _nodes(plan[0]["Plan"]) if _is_postgresql_scan(node)]
    return json.dumps(plan, indent=1), scans


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _is_postgresql_scan(node: Mapping[str, Any]) -> bool:
    if node["Node Type"] == "Seq Scan":
        return True
    if "Index Name" not in node or node["Index Name"] in _PARTIAL:
        return False
    return "Index Cond" not in node


def _named(node: Mapping[str, Any]) -> str:
    return str(node.get("Relation Name") or node["Index Name"])
