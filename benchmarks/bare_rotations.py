"""The floor of a burst: the durable rows of as many rotations, with sqlite3, AES-GCM and HMAC alone, by one thread.

A rotation is three commits: that it has begun, with its lease and fencing number; the sealed new value, before the
target's step; labels, due time and outcome, after it. The thread has a heap of the moments at which steps are over
rather than threads that wait for them, and writes all rotations that are as far in one transaction, many rows a
statement. Rotations begin before a worker is free for their step. The statements are text, all values but keys and
ciphertexts are the same each time, and nothing is checked: what rotator adds is what it reads to decide, its state
machine, the rotator's verbs and their guards, the seals of the audit, metrics and log, and a thread for each rotation.
"""

import hmac
import os
import re
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.house import CALLER

_NONCE, _KEY = 12, 32  # bytes
_KEY_ID = "0123456789ab"
_AT = 10**16  # as long as the microseconds that the store writes
_VALUE = b'{"username": "app", "password": "0123456789abcdef0123456789abcdef"}'
_AHEAD = 4  # times as many rotations have begun and are not over as there are workers

_GROUP = re.compile(r"\([^()]*\?[^()]*\)")

_FIND = """
SELECT s.id, s.arn, l.version_id, s.* FROM secrets s
JOIN labels l ON l.secret_id = s.id AND l.label = 'AWSCURRENT' WHERE s.id IN (VALUES (?))
"""
_BEGIN = f"""
INSERT INTO rotations
(id, secret_id, token, rotator, requested_by, request_id, created_at, deadline_at, updated_at, status, phase, goal,
 attempt, reverts, created, touched, dirty, finished, taken_over, live, current_version, fencing, owner, lease_expires,
 lease_epoch)
VALUES (?, ?, ?, 'waits', 'service:rotation', ?, {_AT}, {_AT}, {_AT}, 'running', 'preflight', 'rotate',
 1, 0, 0, 0, 0, 0, 0, 'current', ?, 1, ?, 1e9, ?)
"""  # noqa: S608  # a number of our own
_ADD_VERSION = f"""
INSERT INTO versions (secret_id, version_id, created_at, pinned, "binary", key_id, wrapped_key, nonce, ciphertext)
VALUES (?, ?, {_AT}, 0, 0, '{_KEY_ID}', ?, ?, ?)
"""  # noqa: S608
_LABEL = """
INSERT INTO labels (secret_id, label, version_id) VALUES (?, ?, ?)
ON CONFLICT (secret_id, label) DO UPDATE SET version_id = excluded.version_id
"""
_OPEN = f"""
UPDATE rotations SET updated_at = {_AT}, phase = 'set', overlap = 'none', created = 1, touched = 1
WHERE fencing = 1 AND id IN (VALUES (?))
"""  # noqa: S608
_ROTATED = f"""
UPDATE secrets SET rotated_at = {_AT}, changed_at = {_AT}, window_start = {_AT}, window_end = {_AT}, due_at = {_AT},
barrier_raised_at = NULL, barrier_until = NULL, revision = revision + 1 WHERE id IN (VALUES (?))
"""  # noqa: S608
_UNLABEL = "DELETE FROM labels WHERE label = 'AWSPENDING' AND secret_id IN (VALUES (?))"
_END = f"""
UPDATE rotations SET updated_at = {_AT}, ended_at = {_AT}, status = 'succeeded', phase = 'ended', touched = 0,
dirty = 1, finished = 1, live = 'pending', owner = NULL, lease_expires = NULL, lease_epoch = NULL
WHERE fencing = 1 AND id IN (VALUES (?))
"""  # noqa: S608
_EVENT = f"""
INSERT INTO rotation_events (rotation_id, at, phase, attempt, outcome, seconds) VALUES (?, {_AT}, ?, 1, 'ok', 0.02)
"""  # noqa: S608
_PHASES = ("preflight", "create", "set", "test", "finish")
_RECORD = f"""
INSERT INTO audit
(shard, seq, at, request_id, account, region, principal, event, secret_arn, version_id, outcome, detail, revision, mac)
VALUES (0, ?, {_AT}, ?, '{CALLER.account}', '{CALLER.region}', 'service:rotation', ?, ?, ?, 'succeeded', ?, 1, ?)
"""  # noqa: S608
_DETAIL = f'{{"left": {{"columns": {{"changed_at": {_AT}}}, "ended": true}}, "rotation": "{uuid.uuid4().hex}"}}'


@dataclass(frozen=True, slots=True)
class _Rotation:
    secret: int
    arn: str
    current: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    request: str = field(default_factory=lambda: str(uuid.uuid4()))


class BareRotations:
    """A copy of a store's file, whose secrets are rotated once each.

    Args:
        step: seconds that each rotation takes at its target.
    """

    def __init__(self, path: Path, *, like: Path, step: float) -> None:
        self._step = step
        self._connection = sqlite3.connect(path, isolation_level=None)
        original = sqlite3.connect(like)
        original.backup(self._connection)
        original.close()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._sealing = AESGCM(os.urandom(_KEY))
        self._audit_key, self._mac = os.urandom(_KEY), b""
        self._seq = self._connection.execute(
            "SELECT max(seq) FROM audit WHERE shard = 0"
        ).fetchone()[0]
        found = self._connection.execute("SELECT id FROM secrets ORDER BY id").fetchall()
        self._left = deque(row[0] for row in found)

    def burst(self, *, workers: int) -> float:
        """Seconds until all are rotated, so many at a time at their step."""
        began = time.perf_counter()
        left = self._left
        begun: list[_Rotation] = []
        opened: deque[_Rotation] = deque()
        steps: list[tuple[float, str, _Rotation]] = []  # a heap, by when they are over
        over: list[_Rotation] = []
        while left or begun or opened or steps or over:
            while steps and steps[0][0] <= time.perf_counter():
                over.append(heappop(steps)[2])
            while opened and len(steps) < workers:
                rotation = opened.popleft()
                heappush(steps, (time.perf_counter() + self._step, rotation.id, rotation))
            if (len(steps) == workers and len(opened) >= workers) or not (left or begun or over):
                time.sleep(max(0.0, steps[0][0] - time.perf_counter()))
                continue
            room = _AHEAD * workers - len(begun) - len(opened) - len(steps)
            wanted = [left.popleft() for _ in range(max(0, min(room, len(left))))]
            self._connection.execute("BEGIN IMMEDIATE")
            self._end(over)
            self._open(begun)
            opened.extend(begun)
            begun = self._begin(wanted)
            over = []
            self._connection.execute("COMMIT")
        took = time.perf_counter() - began
        self._connection.close()
        return took

    def _begin(self, secrets: Sequence[int]) -> list[_Rotation]:
        found = self._run(_FIND, [(secret,) for secret in secrets])
        begun = [_Rotation(*row[:3]) for row in found]
        self._run(
            _BEGIN,
            [(r.id, r.secret, r.token, r.request, r.current, f"host/{r.id}", r.id) for r in begun],
        )
        self._record(begun, "RotationStarted")
        return begun

    def _open(self, begun: Sequence[_Rotation]) -> None:
        self._run(_ADD_VERSION, [(r.secret, r.token, *self._sealed(r)) for r in begun])
        self._run(_LABEL, [(r.secret, "AWSPENDING", r.token) for r in begun])
        self._run(_OPEN, [(r.id,) for r in begun])

    def _end(self, over: Sequence[_Rotation]) -> None:
        self._run(_ROTATED, [(r.secret,) for r in over])
        self._run(_UNLABEL, [(r.secret,) for r in over])
        self._run(_LABEL, [(r.secret, "AWSCURRENT", r.token) for r in over])
        self._run(_LABEL, [(r.secret, "AWSPREVIOUS", r.current) for r in over])
        self._run(_END, [(r.id,) for r in over])
        self._run(_EVENT, [(r.id, phase) for r in over for phase in _PHASES])
        self._record(over, "RotationSucceeded")

    def _record(self, rotations: Iterable[_Rotation], event: str) -> None:
        rows = []
        for r in rotations:
            self._seq += 1
            told = (self._seq, r.request, event, r.arn, r.token, _DETAIL)
            self._mac = hmac.digest(self._audit_key, self._mac + repr(told).encode(), "sha256")
            rows.append((*told, self._mac))
        self._run(_RECORD, rows)

    def _sealed(self, rotation: _Rotation) -> tuple[bytes, bytes, bytes]:
        """A value under a key of its own, which is wrapped."""
        key, nonce, bound = os.urandom(_KEY), os.urandom(_NONCE), rotation.arn.encode()
        wrapped = self._sealing.encrypt(nonce, key, bound)
        return wrapped, nonce, AESGCM(key).encrypt(nonce, _VALUE, bound)

    def _run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Runs it once for all these rows."""
        if not rows:
            return []
        values = [value for row in rows for value in row]
        return self._connection.execute(_of_rows(statement, len(rows)), values).fetchall()


@cache
def _of_rows(statement: str, count: int) -> str:
    """The statement with the placeholders of one row so many times."""
    return _GROUP.sub(lambda found: ", ".join([found[0]] * count), statement)
