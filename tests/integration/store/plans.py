"""Does a statement find its rows by an index? The engine's own query plan tells."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, event

from rotator.store.store import Store
from rotator.store.tables import metadata

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
        if store.dialect == "sqlite":
            plan, scans = _sqlite_plan(tx.connection, statement, parameters)
        else:
            plan, scans = _postgresql_plan(tx.connection, statement, parameters)
    assert not scans, f"{statement}\nreads all of {', '.join(scans)}:\n{plan}"


class _Captured(Exception):
    def __init__(self, sql: str, parameters: Any) -> None:
        super().__init__(sql)
        self.sql = sql
        self.parameters = parameters


def _explain(
    connection: Connection, statement: Executable, parameters: Mapping[str, Any], *, command: str
) -> CursorResult[Any]:
    def capture(_connection: object, _cursor: object, sql: str, bound: Any, *_: object) -> None:
        raise _Captured(sql, bound)

    event.listen(connection, "before_cursor_execute", capture)
    try:
        connection.execute(statement, parameters)
    except _Captured as captured:
        event.remove(connection, "before_cursor_execute", capture)
        return connection.exec_driver_sql(f"{command} {captured.sql}", captured.parameters)
    raise AssertionError("the statement was run")


def _sqlite_plan(
    connection: Connection, statement: Executable, parameters: Mapping[str, Any]
) -> tuple[str, list[str]]:
    rows = _explain(connection, statement, parameters, command="EXPLAIN QUERY PLAN")
    steps = [row.detail for row in rows]
    return "\n".join(steps), [step for step in steps if _is_sqlite_scan(step)]


def _is_sqlite_scan(step: str) -> bool:
    # https://sqlite.org/eqp.html: SEARCH visits a part of the rows, SCAN all of them.
    words = step.split()
    if words[0] != "SCAN" or step == "SCAN CONSTANT ROW" or "VIRTUAL TABLE" in step:
        return False
    return words[-1] not in _PARTIAL


def _postgresql_plan(
    connection: Connection, statement: Executable, parameters: Mapping[str, Any]
) -> tuple[str, list[str]]:
    # On a table as small as a test's the planner reads all of it, unless that counts as a last
    # resort.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    rows = _explain(connection, statement, parameters, command="EXPLAIN (FORMAT JSON)")
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
