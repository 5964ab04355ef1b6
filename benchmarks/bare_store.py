"""The floor of reads and writes: the same rows in a copy of the same file, with sqlite3 and AES-GCM alone.

What a read gives and what a write leaves is as wide as it is in the manager's store, column by column: a page that
holds fewer bytes, or a row that has fewer columns, would be no floor of the same work. What it leaves out is what
rotator adds: sessions of SQLAlchemy, checks, data keys of their own, the chain of the audit and its head, pruning.
"""

import itertools
import os
import secrets as randomness
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.house import CALLER
from rotator.store.group_commit import GroupCommit

_NONCE, _WRAPPED_KEY, _MAC = 12, 60, 32  # bytes
_KEY_ID = "0123456789ab"

_Record = tuple[str, str, str, str | None, int | None]
"""Event, ARN, version id, detail, revision."""

_PLACE = "s.account = ? AND s.region = ? AND s.name = ?"
_HERE = (CALLER.account, CALLER.region)
_VALUE = f"""
SELECT s.arn, s.name, v.version_id, v.created_at, v.wrapped_key, v.nonce, v.ciphertext, stage.label
FROM secrets s
JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT'
JOIN versions v ON v.secret_id = s.id AND v.version_id = l.version_id
JOIN labels stage ON stage.secret_id = s.id AND stage.version_id = l.version_id
WHERE {_PLACE}
"""  # noqa: S608  # our own names
_CURRENT = f"""
SELECT s.id, s.arn, s.revision, l.version_id
FROM secrets s JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT'
WHERE {_PLACE}
"""  # noqa: S608  # our own names
_ADD_VERSION = """
INSERT INTO versions
(secret_id, version_id, created_at, pinned, "binary", key_id, wrapped_key, nonce, ciphertext)
VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?)
"""
_LABEL = """
INSERT INTO labels (secret_id, label, version_id) VALUES (?, ?, ?)
ON CONFLICT (secret_id, label) DO UPDATE SET version_id = excluded.version_id
"""
_CHANGED = "UPDATE secrets SET changed_at = ?, revision = ? WHERE id = ?"
_RECORD = """
INSERT INTO audit
(shard, seq, at, request_id, account, region, principal, event, secret_arn, version_id, outcome, detail, revision, mac)
VALUES (0, ?, ?, 'bench', ?, ?, ?, ?, ?, ?, 'succeeded', ?, ?, ?)
"""
_RESEAL = "UPDATE versions SET nonce = ?, ciphertext = ?"


class BareStore:
    """A copy of a store's file, whose values are sealed under one key."""

    def __init__(self, path: Path, *, like: Path, value: str) -> None:
        self._path = path
        self._value = value.encode()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._group = GroupCommit(self._insert)
        self._cipher = AESGCM(os.urandom(32))
        # Above what the copied rows have; as long as the microseconds that the store writes.
        self._clock = itertools.count(10**16)
        original = sqlite3.connect(like)
        original.backup(self._connection())
        original.close()
        self._connection().execute(_RESEAL, self._seal())

    def close(self) -> None:
        """Closes the connections of all threads."""
        for connection in self._opened:
            connection.close()

    def read(self, name: str) -> str:
        """The bare query, the opening, and a group-committed record."""
        rows = self._connection().execute(_VALUE, (*_HERE, name)).fetchall()
        arn, _, version, _, _, nonce, ciphertext, _ = rows[0]
        value = self._cipher.decrypt(nonce, ciphertext, None).decode()
        self._group.submit(("GetSecretValue", arn, version, None, None))
        return value

    def write(self, name: str) -> None:
        """One transaction: a new sealed version, its labels, what the change leaves in the secret, and a record."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        secret, arn, revision, current = connection.execute(_CURRENT, (*_HERE, name)).fetchone()
        version, at, wrapped = str(uuid.uuid4()), next(self._clock), os.urandom(_WRAPPED_KEY)
        sealed = (_KEY_ID, wrapped, *self._seal())
        connection.execute(_ADD_VERSION, (secret, version, at, *sealed))
        moved = [(secret, "AWSPREVIOUS", current), (secret, "AWSCURRENT", version)]
        connection.executemany(_LABEL, moved)
        connection.execute(_CHANGED, (at, revision + 1, secret))
        left = (
            f'{{"left": {{"columns": {{"changed_at": {at}}}, '
            f'"labels": {{"AWSPREVIOUS": "{current}", "AWSCURRENT": "{version}"}}}}}}'
        )
        self._record(connection, [("PutSecretValue", arn, version, left, revision + 1)])
        connection.execute("COMMIT")

    def _seal(self) -> tuple[bytes, bytes]:
        nonce = randomness.token_bytes(_NONCE)
        return nonce, self._cipher.encrypt(nonce, self._value, None)

    def _insert(self, records: Sequence[_Record]) -> None:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        self._record(connection, records)
        connection.execute("COMMIT")

    def _record(self, connection: sqlite3.Connection, records: Sequence[_Record]) -> None:
        rows = []
        for event, arn, version, detail, revision in records:
            at = next(self._clock)
            what = (event, arn, version, detail, revision)
            rows.append((at, at, *_HERE, CALLER.principal, *what, os.urandom(_MAC)))
        connection.executemany(_RECORD, rows)

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
