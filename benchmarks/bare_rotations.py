"""The floor of a burst: the durable rows of as many rotations, by as many threads, with sqlite3 and AES-GCM alone.

A rotation is three commits, which threads share: that it has begun, with its lease and fencing number; the sealed new
value, before the target's step; labels, due time and outcome, after it. The statements are text, all values but the
ciphertexts are the same each time, and nothing is checked: what rotator adds is SQLAlchemy, what it reads to decide,
its state machine, the rotator's verbs and their guards, the chain of the audit, metrics and log.
"""

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.house import CALLER
from rotator.store.group_commit import GroupCommit

_NONCE, _KEY, _MAC = 12, 32, 32  # bytes
_KEY_ID = "0123456789ab"
_AT = 10**16  # as long as the microseconds that the store writes
_VALUE = b'{"username": "app", "password": "0123456789abcdef0123456789abcdef"}'

_Row = dict[str, Any]
_Statement = tuple[str, _Row]

_FIND = """
SELECT s.*, l.version_id AS current
FROM secrets s JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT' WHERE s.id = :secret
"""
_BEGIN = """
INSERT INTO rotations
(id, secret_id, token, rotator, requested_by, request_id, created_at, deadline_at, updated_at, status, phase, goal,
 attempt, reverts, created, touched, dirty, finished, taken_over, live, current_version, fencing, owner, lease_expires,
 lease_epoch)
VALUES (:id, :secret, :token, 'waits', 'service:rotation', :request, :at, :at, :at, 'running', 'preflight', 'rotate',
 1, 0, 0, 0, 0, 0, 0, 'current', :current, 1, :owner, 1e9, :request)
"""
_ADD_VERSION = """
INSERT INTO versions (secret_id, version_id, created_at, pinned, "binary", key_id, wrapped_key, nonce, ciphertext)
VALUES (:secret, :token, :at, 0, 0, :key_id, :wrapped, :nonce, :sealed)
"""
_LABEL = """
INSERT INTO labels (secret_id, label, version_id) VALUES (:secret, :label, :version)
ON CONFLICT (secret_id, label) DO UPDATE SET version_id = excluded.version_id
"""
_OPEN = """
UPDATE rotations SET updated_at = :at, phase = 'set', overlap = 'none', created = 1, touched = 1
WHERE id = :id AND fencing = 1
"""
_ROTATED = """
UPDATE secrets SET rotated_at = :at, changed_at = :at, window_start = :at, window_end = :at, due_at = :at,
barrier_raised_at = NULL, barrier_until = NULL, revision = revision + 1 WHERE id = :secret
"""
_UNLABEL = "DELETE FROM labels WHERE secret_id = :secret AND label = 'AWSPENDING'"
_END = """
UPDATE rotations SET updated_at = :at, ended_at = :at, status = 'succeeded', phase = 'ended', touched = 0, dirty = 1,
finished = 1, live = 'pending', owner = NULL, lease_expires = NULL, lease_epoch = NULL WHERE id = :id AND fencing = 1
"""
_EVENT = """
INSERT INTO rotation_events (rotation_id, at, phase, attempt, outcome, seconds) VALUES (:id, :at, :phase, 1, 'ok', 0.02)
"""
_PHASES = ("preflight", "create", "set", "test", "finish")
_RECORD = """
INSERT INTO audit
(shard, seq, at, request_id, account, region, principal, event, secret_arn, version_id, outcome, detail, revision, mac)
VALUES (0, (SELECT max(seq) + 1 FROM audit WHERE shard = 0), :at, :request, :account, :region, 'service:rotation',
 :event, :arn, :token, 'succeeded', :detail, 1, :mac)
"""
_DETAIL = f'{{"left": {{"columns": {{"changed_at": {_AT}}}, "ended": true}}, "rotation": "{uuid.uuid4().hex}"}}'


class BareRotations:
    """A copy of a store's file, whose secrets are rotated once each.

    Args:
        step: seconds that each rotation takes at its target.
    """

    def __init__(self, path: Path, *, like: Path, step: float) -> None:
        self._step = step
        self._lock = (
            threading.Lock()
        )  # around the one connection; GroupCommit lets one thread at it at a time
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        original = sqlite3.connect(like)
        original.backup(self._connection)
        original.close()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.row_factory = sqlite3.Row
        self._group = GroupCommit(self._commit)
        self._sealing = AESGCM(os.urandom(_KEY))
        found = self._connection.execute("SELECT id FROM secrets ORDER BY id").fetchall()
        self._left: SimpleQueue[int] = SimpleQueue()
        for row in found:
            self._left.put(row["id"])

    def burst(self, *, workers: int) -> float:
        """Seconds until all are rotated by so many threads."""
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        self._connection.close()
        return took

    def _work(self) -> None:
        while True:
            try:
                secret = self._left.get_nowait()
            except Empty:
                return
            self._rotate(secret)

    def _rotate(self, secret: int) -> None:
        told: _Row = {
            "secret": secret,
            "id": uuid.uuid4().hex,
            "token": str(uuid.uuid4()),
            "request": str(uuid.uuid4()),
            "owner": f"host/{uuid.uuid4()}/{uuid.uuid4().hex}",
            "account": CALLER.account,
            "region": CALLER.region,
            "at": _AT,
            "detail": _DETAIL,
            "mac": os.urandom(_MAC),
        }
        with self._lock:
            found = self._connection.execute(_FIND, told).fetchone()
        told |= {"arn": found["arn"], "current": found["current"]}
        self._group.submit([(_BEGIN, told), (_RECORD, {**told, "event": "RotationStarted"})])
        pending = {**told, "label": "AWSPENDING", "version": told["token"]}
        self._group.submit([(_ADD_VERSION, self._sealed(told)), (_LABEL, pending), (_OPEN, told)])
        time.sleep(self._step)
        current = {**told, "label": "AWSCURRENT", "version": told["token"]}
        previous = {**told, "label": "AWSPREVIOUS", "version": told["current"]}
        self._group.submit(
            [
                (_ROTATED, told),
                (_UNLABEL, told),
                (_LABEL, current),
                (_LABEL, previous),
                (_END, told),
                *((_EVENT, {**told, "phase": phase}) for phase in _PHASES),
                (_RECORD, {**told, "event": "RotationSucceeded"}),
            ]
        )

    def _sealed(self, told: _Row) -> _Row:
        """A value under a key of its own, which is wrapped."""
        key, nonce, bound = os.urandom(_KEY), os.urandom(_NONCE), told["arn"].encode()
        return {
            **told,
            "key_id": _KEY_ID,
            "wrapped": self._sealing.encrypt(nonce, key, bound),
            "nonce": nonce,
            "sealed": AESGCM(key).encrypt(nonce, _VALUE, bound),
        }

    def _commit(self, batch: Sequence[Sequence[_Statement]]) -> None:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            for statements in batch:
                for statement, parameters in statements:
                    self._connection.execute(statement, parameters)
            self._connection.execute("COMMIT")
