"""A disk that fills up under a running store: a clear refusal, nothing half-written, and it goes on by itself."""

import os

from tests.support import small_disk
from tests.support.store import only_postgresql, only_sqlite

_FULL = ("no room left", "out of disk space", "Reading or writing failed", "error of its system")


def _check(lines: list[str], shown: list[str]) -> None:
    """`shown`: the rows that each step left."""
    assert [line for line in lines if line.startswith("rows: ")] == shown
    assert "written" not in lines
    assert small_disk.VALUE.decode() not in "".join(lines)


@only_sqlite
def test_a_full_disk_keeps_nothing_of_a_sqlite_transaction(store_engine: str) -> None:
    """Full, free again, read-only, writable again: one process, each refusal says what to do, no row is half there."""
    lines = small_disk.run(store_engine)
    assert all("Free space" in line for line in lines[:2]) or os.geteuid()
    if os.geteuid():
        _check(lines, ["rows: 2", "rows: 4"])
        return
    _check(lines, ["rows: 2", "rows: 4", "rows: 5"])
    assert "It can't be written" in lines[-2] or "can't be opened" in lines[-2]


@only_postgresql
def test_a_full_disk_keeps_nothing_of_a_postgresql_transaction(store_engine: str) -> None:
    """A tablespace without room refuses the transaction whole; with room again the same process goes on."""
    lines = small_disk.run(store_engine)
    _check(lines, ["rows: 2", "rows: 4"])
    assert all(any(words in line for words in _FULL) for line in lines[:2])
