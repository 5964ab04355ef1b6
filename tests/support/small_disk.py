"""A store whose disk fills up and becomes free again, in one process that never restarts it.

As root it runs in a mount namespace of its own, where
the store lies on a file system of a few megabytes: `ENOSPC` is real. An ordinary user can't mount one; there the
system's limit on the size of files stands in its place (`EFBIG`).
"""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, insert, select

from rotator.errors import StoreUnavailable
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.tables import sealing_check
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from rotator.testing.unprivileged import base_directory, give, unprivileged_account
from tests.support.postgres import DatabaseServer
from tests.support.store import postgresql_url, sqlite_url

_ROOT = os.geteuid() == 0
VALUE = b"a value that no message may quote"
_MEGABYTES = {"sqlite": 4, "postgresql": 48}


def run(engine: str) -> list[str]:
    """Runs this program; its output says what happened, line by line."""
    own_mounts = ["unshare", "--mount"] if _ROOT else []
    with tempfile.TemporaryDirectory(dir=base_directory(unprivileged_account())) as folder:
        program = [sys.executable, "-W", "error", "-m", __name__, engine, folder]
        command = [*own_mounts, *program]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout.splitlines()


@dataclass(frozen=True, slots=True)
class _Disk:
    """A folder on a small disk.

    Attributes:
        writers: the processes that write there, where a limit stands in for the disk.
    """

    folder: Path
    writers: Callable[[], list[int]]

    def fill(self) -> None:
        if not _ROOT:
            self._limit(8192)
            return
        with contextlib.suppress(OSError), (self.folder / "ballast").open("wb", 0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free(self) -> None:
        if not _ROOT:
            self._limit(resource.RLIM_INFINITY)
            return
        (self.folder / "ballast").unlink()

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)

    def _limit(self, size: int) -> None:
        for pid in self.writers():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _make_small(folder: Path, engine: str) -> None:
    if _ROOT:
        size = f"size={_MEGABYTES[engine]}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)


@contextlib.contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[Database, _Disk]]:
    _make_small(folder, "sqlite")
    database = Database.connect(sqlite_url(folder / "store.db"), create=True)
    yield database, _Disk(folder, lambda: [os.getpid()])
    database.close()


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[Database, _Disk]]:
    """The database lies in a tablespace of its own; the server's log of changes has room."""
    with running_postgres(embedded_binaries(16)) as running:
        server = DatabaseServer(server=running)
        _make_small(folder, "postgresql")
        give(folder, unprivileged_account())
        (folder / "space").mkdir()
        give(folder / "space", unprivileged_account())
        server.execute(f"CREATE TABLESPACE small LOCATION '{folder / 'space'}'")
        server.execute("CREATE DATABASE store TABLESPACE small")

        def writers() -> list[int]:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = 'store'"
            return [pid for (pid,) in server.execute(query)]

        url = postgresql_url(server, server.superuser, dbname="store")
        database = Database.connect(url, create=False)
        yield database, _Disk(folder, writers)
        database.close()


def _write(database: Database, *, rows: int, first: str) -> None:
    with database.write() as tx:
        for number in range(rows):
            row = {"key_id": f"{first}{number}", "wrapped_key": VALUE + os.urandom(100_000)}
            tx.connection.execute(insert(sealing_check), row)


def _count(database: Database) -> int:
    with database.read() as tx:
        return tx.connection.execute(select(func.count()).select_from(sealing_check)).scalar_one()


def _refused(database: Database, *, rows: int) -> None:
    try:
        _write(database, rows=rows, first="lost")
    except StoreUnavailable as refused:
        _say(str(refused))
    else:
        _say("written")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(engine: str, folder: Path) -> None:
    with (_sqlite if engine == "sqlite" else _postgresql)(folder) as (database, disk):
        schema.upgrade(database)
        _write(database, rows=2, first="kept")
        disk.fill()
        for _ in range(2):
            _refused(database, rows=10)
        _say(f"rows: {_count(database)}")
        disk.free()
        _write(database, rows=2, first="later")
        _say(f"rows: {_count(database)}")
        if engine == "sqlite" and _ROOT:
            database.close()  # what is open for writing can't be made read-only; the next transaction opens it anew
            disk.remount("ro")
            _refused(database, rows=1)
            database.close()
            disk.remount("rw")
            _write(database, rows=1, first="last")
            _say(f"rows: {_count(database)}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
