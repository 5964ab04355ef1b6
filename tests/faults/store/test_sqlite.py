"""A SQLite store in trouble: a clear refusal, nothing half-written, and the next one works."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, make_url, select

from rotator.errors import StoreUnavailable
from rotator.store.store import Store, Tx
from rotator.store.tables import sealing_check
from rotator.testing.unprivileged import base_directory, give, unprivileged_account
from tests.support.store import only_sqlite, sqlite_url

pytestmark = only_sqlite

_VALUE = b"a value that no message may quote"
_OTHER_PROCESS = """
import sys
from rotator.store.store import Store
store = Store.open(sys.argv[1], create=False)
with store.write() as tx:
    tx.connection.exec_driver_sql("INSERT INTO sealing_check VALUES ('theirs', 'x')")
    print("locked", flush=True)
    sys.stdin.readline()
"""
_WITHOUT_PRIVILEGES = """
import os, sys
import sqlalchemy.dialects.sqlite
from rotator.errors import StoreUnavailable
from rotator.store.store import Store
url, user = sys.argv[1], int(sys.argv[2])
if user:
    os.setuid(user)
try:
    store = Store.open(url, create=False)
    with store.write() as tx:
        tx.connection.exec_driver_sql("INSERT INTO sealing_check VALUES ('mine', 'x')")
except StoreUnavailable as refused:
    print(refused)
"""


def _add(tx: Tx, key_id: str, *, size: int = 1) -> None:
    row = insert(sealing_check).values(key_id=key_id, wrapped_key=_VALUE * size)
    tx.connection.execute(row)


def _count(store: Store) -> int:
    with store.read() as tx:
        return tx.connection.execute(select(func.count()).select_from(sealing_check)).scalar_one()


def _write(store: Store, *, rows: int, size: int = 1) -> None:
    with store.write() as tx:
        for number in range(rows):
            _add(tx, f"k{number}", size=size)


def _path(url: str) -> Path:
    return Path(str(make_url(url).database))


@contextlib.contextmanager
def _unavailable(match: str) -> Iterator[None]:
    with pytest.raises(StoreUnavailable, match=match) as refused:
        yield
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert _VALUE.decode() not in str(refused.value)


@contextlib.contextmanager
def _locked_by_another_process(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-c", _OTHER_PROCESS, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_store_that_another_process_locks_is_reported(store: Store, store_url: str) -> None:
    """A write that waits too long names the lock; reads go on, and so do writes afterwards."""
    impatient = Store.open(store_url, create=False, lock_timeout=0.1)
    with _locked_by_another_process(store_url):
        assert _count(impatient) == 0
        with _unavailable("Another process locked it"):
            _write(impatient, rows=1)
    _write(impatient, rows=1)
    assert _count(store) == 1
    impatient.close()


def test_a_frozen_process_delays_only_until_the_limit(store_url: str) -> None:
    """A process that was stopped with the lock in its hands does not hang the others."""
    impatient = Store.open(store_url, create=False, lock_timeout=0.1)
    with _locked_by_another_process(store_url) as process:
        process.send_signal(signal.SIGSTOP)
        with _unavailable("Another process locked it"):
            _write(impatient, rows=1)
    impatient.close()


def test_a_process_killed_in_mid_transaction_leaves_nothing(store: Store, store_url: str) -> None:
    """SIGKILL in the middle of a write keeps nothing of it and frees the lock at once."""
    with _locked_by_another_process(store_url) as process:
        process.kill()
        process.wait()
        _write(store, rows=1)
    assert _count(store) == 1


def test_a_transaction_of_the_same_process_is_told_from_another_s(store_url: str) -> None:
    """A thread that waits too long for another thread's transaction says so."""
    impatient = Store.open(store_url, create=False, lock_timeout=0.1)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with impatient.write():
            holding.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait()
    try:
        with _unavailable("Another transaction of this process"):
            _write(impatient, rows=1)
    finally:
        done.set()
        holder.join()
    _write(impatient, rows=1)
    assert _count(impatient) == 1
    impatient.close()


def test_a_full_database_keeps_nothing_of_the_transaction(store: Store) -> None:
    """When SQLite says that it is full, the transaction is gone whole, and smaller ones work."""
    with store.write() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 10}")
    with _unavailable("no room left"):
        _write(store, rows=10, size=1000)
    assert _count(store) == 0
    _write(store, rows=1)
    assert _count(store) == 1


def test_a_file_that_cannot_grow_keeps_nothing_of_the_transaction(
    store: Store, store_url: str
) -> None:
    """When the system refuses to let the WAL grow, nothing is half-written; later it works."""
    _write(store, rows=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = Path(f"{_path(store_url)}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100_000, hard))
    try:
        with _unavailable("Reading or writing failed|no room left"):
            _write(store, rows=100, size=1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _count(store) == 0
    _write(store, rows=100, size=1000)
    assert _count(store) == 100


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o400, 0o700), (0o400, 0o500)])
def test_a_file_that_may_not_be_written_is_reported(
    store_url: str, file_mode: int, folder_mode: int
) -> None:
    """A store whose file or folder is read-only for this user is refused with what to mend."""
    account = unprivileged_account()
    folder = Path(tempfile.mkdtemp(dir=base_directory(account)))
    try:
        path = folder / "store.db"
        shutil.copy(_path(store_url), path)
        path.chmod(file_mode)
        give(folder, account)
        folder.chmod(folder_mode)
        user = str(account.uid) if account else "0"
        command = [sys.executable, "-c", _WITHOUT_PRIVILEGES, sqlite_url(path), user]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)
    assert "is not available" in done.stdout
    assert "for this user" in done.stdout or "this user may use its folder" in done.stdout


def test_a_damaged_file_is_reported(store_url: str) -> None:
    """A store whose pages were overwritten is refused with the way to its backup."""
    path = _path(store_url)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with _unavailable("damaged"):
        Store.open(store_url, create=False)
