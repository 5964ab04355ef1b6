"""Whoever can write the store but has neither sealing key nor audit key: what they alter is detected, or harmless."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table

from rotator.store.tables import metadata
from tests.faults.store.tampered import Original, Seen, furnish
from tests.faults.store.verdicts import PAGE, VERDICTS, Verdict, page
from tests.support.driver import Runs
from tests.support.house import House
from tests.support.postgres import DatabaseServer
from tests.support.tampering import Alteration, Row, alterations

_REVISION = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)
TABLES = {table.name: table for table in (*metadata.sorted_tables, _REVISION)}
# What is made once for each: a store with something of everything in it takes seconds.
_TOGETHER = (
    {"secrets"},
    {"rotations"},
    {"audit", "audit_checkpoints", "audit_heads", "rotation_events"},
    TABLES.keys()
    - {"secrets", "rotations", "audit", "audit_checkpoints", "audit_heads", "rotation_events"},
)
# Where a copy of the whole database takes a tenth of a second, a few of each kind have to do.
_MOST = {"sqlite": 1000, "postgresql": 2}


def test_every_column_has_a_verdict() -> None:
    """A new column comes with a word on what becomes of it when somebody alters it."""
    columns = {
        f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns
    }
    assert columns == VERDICTS.keys()


def test_the_documentation_has_the_table() -> None:
    """docs/tampering.md is what the verdicts say: make docs."""
    assert PAGE.read_text("utf-8") == page()


@pytest.mark.parametrize("names", _TOGETHER, ids=min)
def test_an_altered_column_is_detected_or_harmless(
    house: House,
    pg16: DatabaseServer,
    runs: Runs,
    tmp_path: Path,
    names: Collection[str],
    store_engine: str,
) -> None:
    """Whichever column of a table is altered, in whichever way: its verdict holds."""
    original = furnish(house, pg16, runs, TABLES)
    wrong = []
    for column in (column for name in sorted(names) for column in TABLES[name].columns):
        seen = _look(original, column, tmp_path, most=_MOST[store_engine])
        verdict = VERDICTS[str(column)]
        print(f"{column}: {verdict}")  # noqa: T201  # the table, with -s
        wrong += [f"{column}: {each}" for each in _contradictions(verdict, seen, store_engine)]
    assert not wrong, "\n".join(wrong)


def _look(
    original: Original, column: Column[object], folder: Path, *, most: int
) -> Sequence[tuple[Alteration, Seen]]:
    seen = []
    table = TABLES[column.table.name]
    rows = original.rows[table.name]
    possible = list(alterations(table, column, _chosen(original, table), rows))
    for alteration in possible[:: -(-len(possible) // most) or 1]:
        with original.altered(alteration, folder) as url:
            if url is not None:
                resume = original.is_of_cut(table, alteration.row)
                seen.append((alteration, original.look_at(url, resume=resume)))
    return seen


def _chosen(original: Original, table: Table) -> Sequence[Row]:
    """The rows of the interrupted rotation's secret, and the fullest of the others."""
    fullest = sorted(
        original.rows[table.name], key=lambda row: sum(value is not None for value in row.values())
    )
    of_cut = [row for row in fullest if original.is_of_cut(table, row)]
    return [*of_cut[-2:], *[row for row in fullest if row not in of_cut][-1:]]


def _contradictions(
    verdict: Verdict, seen: Sequence[tuple[Alteration, Seen]], engine: str
) -> list[str]:
    """What was seen that the verdict doesn't say."""
    ways: defaultdict[str, int] = defaultdict(int)
    found = []
    for alteration, each in seen:
        for way in each.ways:
            ways[way] += 1
        if each.crashed is not None:
            found.append(f"{alteration}: no message of rotator's: {each.crashed}")
        if each.changed and not each.ways and verdict.open is None:
            found.append(f"{alteration}: unseen: {', '.join(each.changed)}")
    if verdict.harmless is not None and ways:
        found.append(f"harmless, but it was detected: {dict(ways)}")
    missing = [way for way in verdict.ways if way not in ways]
    # A few alterations may all be such that change nothing; what does change something was seen above.
    if missing and engine == "sqlite":
        found.append(f"not detected by {missing}, but {dict(ways)}")
    return found
