"""Reads and writes of the manager on a warm SQLite store, against the same with nothing but the driver."""

import itertools
import os
import secrets as randomness
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.house import CALLER
from benchmarks.measure import Ratio, alternate
from rotator.crypto.audit_key import AuditKeyFile
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.manager.manager import SecretsManager
from rotator.sdk import SecretValue
from rotator.store.database import Database
from rotator.store.group_commit import GroupCommit
from rotator.store.notes import Access, AuditEntry
from rotator.store.store import Store
from rotator.store.tx import Tx
from rotator.testing.postgres_server import PostgresServer

_READERS = 8
_READS = 800
_WRITES = 100
_ROUNDS = 7
_SECRETS = 100
_VALUE = SecretValue(string='{"username": "app", "password": "0123456789abcdef0123456789abcdef"}')


def measured(_server: PostgresServer, folder: Path) -> Iterator[Ratio]:
    """The ratios, one after the other."""
    place = _Place(folder)
    yield place.reads()
    yield place.writes()
    yield place.audited_reads()
    yield place.audited_writes()
    place.close()


class _NoAudit(Store):
    """A store that forgets its records: what auditing costs is the difference."""

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Without the records."""
        with Database.read(self) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Without the records."""
        with Database.write(self) as tx:
            yield tx

    def record(self, *entries: AuditEntry, accesses: Sequence[Access] = ()) -> None:
        """Nothing."""


class _Place:
    """One store with a hundred secrets, and the bare floor beside it."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "keys"
        create_keyring(keys / "keyring.json")
        self._url = f"sqlite:///{folder / 'store.db'}"
        self._key = AuditKeyFile(keys / "audit.key")
        self._store = Store.open(self._url, create=True, audit_key=self._key)
        self._store.begin_audit()
        self._sealer = Sealer(FileKeyProvider(keys / "keyring.json"))
        self._manager = SecretsManager(self._store, self._sealer)
        for number in range(_SECRETS):
            self._manager.create_secret(
                caller=CALLER, request_id="bench", name=f"db/{number}", value=_VALUE
            )
        self._bare = _Bare(folder / "bare.db", like=folder / "store.db")

    def close(self) -> None:
        self._store.close()
        self._bare.close()

    def reads(self) -> Ratio:
        """GetSecretValue by eight threads against query, AES-GCM and a group-committed insert."""
        ours, floor = alternate(
            lambda: _by_threads(self._read, _READS),
            lambda: _by_threads(self._bare.read, _READS),
            rounds=_ROUNDS,
        )
        return _rate("reads, 8 threads", _READS, ours, floor, least=0.5)

    def writes(self) -> Ratio:
        """PutSecretValue against a bare transaction with as many commits."""
        ours, floor = alternate(
            lambda: _in_turn(self._write, _WRITES),
            lambda: _in_turn(self._bare.write, _WRITES),
            rounds=_ROUNDS,
        )
        return _rate("writes", _WRITES, ours, floor, least=0.5)

    def audited_reads(self) -> Ratio:
        """GetSecretValue with its record against the same without."""
        return self._audited("reads with audit against without", self._read_with, _READS)

    def audited_writes(self) -> Ratio:
        """PutSecretValue with its record against the same without."""
        return self._audited("writes with audit against without", self._write_with, _WRITES)

    def _audited(self, name: str, act: Callable[[SecretsManager, int], None], count: int) -> Ratio:
        bare = _NoAudit.open(self._url, create=False)
        manager = SecretsManager(bare, self._sealer)
        run = _by_threads if act == self._read_with else _in_turn
        ours, floor = alternate(
            lambda: run(lambda number: act(self._manager, number), count),
            lambda: run(lambda number: act(manager, number), count),
            rounds=_ROUNDS,
        )
        bare.close()
        return _rate(name, count, ours, floor, least=0.0)

    def _read(self, number: int) -> None:
        self._read_with(self._manager, number)

    def _write(self, number: int) -> None:
        self._write_with(self._manager, number)

    def _read_with(self, manager: SecretsManager, number: int) -> None:
        manager.get_secret_value(
            caller=CALLER, request_id="bench", secret_id=f"db/{number % _SECRETS}"
        )

    def _write_with(self, manager: SecretsManager, number: int) -> None:
        manager.put_secret_value(
            caller=CALLER, request_id="bench", secret_id=f"db/{number % _SECRETS}", value=_VALUE
        )


_QUERY = """
SELECT v.nonce, v.ciphertext FROM secrets s
JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT'
JOIN versions v ON v.secret_id = s.id AND v.version_id = l.version_id
WHERE s.account = '000000000000' AND s.region = 'us-east-1' AND s.name = ?
"""
_CURRENT = """
SELECT s.id, l.version_id FROM secrets s JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT'
WHERE s.account = '000000000000' AND s.region = 'us-east-1' AND s.name = ?
"""
_ADD_VERSION = """
INSERT INTO versions (secret_id, version_id, created_at, pinned, nonce, ciphertext) VALUES (?, ?, ?, 0, ?, ?)
"""
_ADD_RECORD = """
INSERT INTO audit (shard, seq, at, request_id, account, region, principal, event, secret_arn, outcome, mac)
VALUES (0, ?, ?, 'bench', '000000000000', 'us-east-1', 'local:bench', ?, ?, 'succeeded', randomblob(32))
"""


class _Bare:
    """The same rows in a copy of the same file, with sqlite3 and AES-GCM alone."""

    def __init__(self, path: Path, *, like: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._group = GroupCommit(self._insert)
        self._key = AESGCM(os.urandom(32))
        self._nonce = os.urandom(12)
        self._seq = itertools.count(10**9)
        original = sqlite3.connect(like)
        original.backup(self._connection())
        original.close()
        self._sealed = self._key.encrypt(self._nonce, randomness.token_bytes(70), b"")

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def read(self, number: int) -> None:
        """The bare query, the opening, and a group-committed record."""
        name = f"db/{number % _SECRETS}"
        self._connection().execute(_QUERY, (name,)).fetchone()
        self._key.decrypt(self._nonce, self._sealed, b"")
        self._group.submit(("GetSecretValue", name))

    def write(self, number: int) -> None:
        """One transaction: a new sealed version, its labels, the date of the change, and a record."""
        name, version = f"db/{number % _SECRETS}", str(uuid.uuid4())
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        secret, current = connection.execute(_CURRENT, (name,)).fetchone()
        sealed = self._key.encrypt(self._nonce, randomness.token_bytes(70), b"")
        connection.execute(_ADD_VERSION, (secret, version, next(self._seq), self._nonce, sealed))
        for label, at in (("AWSPREVIOUS", current), ("AWSCURRENT", version)):
            connection.execute(
                "INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", (secret, label, at)
            )
        connection.execute(
            "UPDATE secrets SET changed_at = ? WHERE id = ?", (next(self._seq), secret)
        )
        self._record(connection, ("PutSecretValue", name))
        connection.execute("COMMIT")

    def _insert(self, records: Sequence[tuple[str, str]]) -> None:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        for record in records:
            self._record(connection, record)
        connection.execute("COMMIT")

    def _record(self, connection: sqlite3.Connection, record: tuple[str, str]) -> None:
        seq = next(self._seq)
        connection.execute(_ADD_RECORD, (seq, seq, *record))

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=10
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
            self._opened.append(connection)
        return connection


def _by_threads(act: Callable[[int], None], count: int) -> None:
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(act, range(count)))


def _in_turn(act: Callable[[int], None], count: int) -> None:
    for number in range(count):
        act(number)


def _rate(name: str, count: int, ours: float, floor: float, *, least: float) -> Ratio:
    return Ratio(name=name, unit="per second", ours=count / ours, floor=count / floor, least=least)
