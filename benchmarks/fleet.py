"""Many secrets of a rotator that takes a set time, on either store, and daemons that rotate them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, String, cast, func, insert, literal, select, true, update

from benchmarks.house import CALLER
from rotator.api.service import ApiService
from rotator.crypto.audit_key import AuditKeyFile
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.daemon.daemon import Daemon
from rotator.daemon.metrics import Metrics
from rotator.daemon.monitor import Monitor
from rotator.daemon.notices import Notices
from rotator.daemon.parts import Parts
from rotator.daemon.planner import Caps, Task
from rotator.daemon.reloading import Reloaded
from rotator.daemon.service_manager import ServiceManager
from rotator.daemon.turn import Turn
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.manager.rotation_rules import RotationRules
from rotator.model.rotation import Status
from rotator.rotation.engine import Engine
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.registry import RotatorEntry, RotatorRegistry
from rotator.rotation.report import Report
from rotator.sdk import Authority, Candidate, Overlap, Proof, Rotation, Rotator, SecretValue
from rotator.store import schema, tables, waking
from rotator.store.store import Store

ROTATOR = "waits"
_ROWS = tables.secrets
_BATCH = 500
_NO_ROOMS: Any = None  # nobody is answered
_COPIES = 50  # of all rows, in one transaction
_RULES = RotationRules(schedule_expression="rate(900 days)")
_AUTHORITY = Authority(host="target.example.com", port=5432, users=("app",))
_VALUE = SecretValue.from_json({"username": "app", "password": "0123456789abcdef"})
_COPIED = (
    "rotation_enabled",
    "rotator",
    "schedule_expression",
    "authority",
    "rules_at",
    "window_start",
    "window_end",
    "due_at",
    "due_basis",
)


class Waits(Rotator):
    """Has no target: its one step takes a set time."""

    name = ROTATOR
    overlap = Overlap.NONE
    seconds: ClassVar[float] = 0.0

    def claims(self, _value: SecretValue) -> Authority:
        """The same of each."""
        return _AUTHORITY

    def set_secret(self, _rotation: Rotation) -> None:
        """Takes its time."""
        time.sleep(self.seconds)

    def probe(self, _rotation: Rotation, _candidate: Candidate) -> Proof:
        """Takes no time."""
        return Proof.ACCEPTED


@dataclass(frozen=True)
class _Entry(RotatorEntry):
    seconds: float = 0.0

    @cached_property
    def builtin(self) -> bool:
        """It runs in a thread, as the house's own do."""
        return True

    def make(self) -> Rotator:
        made = Waits()
        made.seconds = self.seconds  # type: ignore[misc]  # of this one instance
        return made


@dataclass(frozen=True, slots=True)
class Fleet:
    """A store and the keys of its secrets.

    Attributes:
        folder: where the keys are.
    """

    store: Store
    folder: Path

    @classmethod
    def at(cls, url: str, folder: Path) -> "Fleet":
        """A store that is there, or a new one."""
        keys = folder / "keys"
        audit_key = AuditKeyFile(keys / "audit.key")
        if not (keys / "keyring.json").exists():
            create_keyring(keys / "keyring.json")
            store = Store.connect(url, create=True, audit_key=audit_key)
            schema.upgrade(store)
            store.begin_audit()
            store.close()
        return cls(Store.open(url, create=False, audit_key=audit_key), folder)

    @property
    def sealer(self) -> Sealer:
        """By the keys in the folder."""
        return Sealer(FileKeyProvider(self.folder / "keys" / "keyring.json"))

    def adopt(self, count: int) -> None:
        """Makes so many secrets with a value; the settings of the first one are copied to all others."""
        manager = SecretsManager(self.store, self.sealer)
        versions = (PortableVersion(value=_VALUE),)
        made = [
            PortableSecret(name=f"fleet/{number:06d}", versions=versions) for number in range(count)
        ]
        for start in range(0, count, _BATCH):
            batch = made[start : start + _BATCH]
            manager.create_secrets(caller=CALLER, request_id="bench", wanted=batch)
        manager.set_rotation(
            caller=CALLER,
            request_id="bench",
            secret_id=made[0].name,
            rotator=ROTATOR,
            rules=_RULES,
            authority=_AUTHORITY,
        )
        columns = [_ROWS.c[name] for name in _COPIED]
        with self.store.write() as tx:
            first = select(*columns).where(_ROWS.c.name == made[0].name)
            row = tx.connection.execute(first).one()
            tx.connection.execute(update(_ROWS).values(**row._asdict()))

    def multiply(self, count: int) -> None:
        """Copies the rows of all secrets, without values, until there are about so many."""
        with self.store.read() as tx:
            last = int(tx.connection.execute(select(func.max(_ROWS.c.id))).scalar_one())
        for first in range(1, count // last, _COPIES):
            self._copy(last, first, min(first + _COPIES, count // last))
        with self.store.write() as tx:
            tx.connection.exec_driver_sql("ANALYZE")

    def _copy(self, last: int, first: int, end: int) -> None:
        """Copies the rows up to one once for each number from `first` to before `end`."""
        numbers = select(literal(first).label("n")).cte("numbers", recursive=True)
        more = select(numbers.c.n + 1).where(numbers.c.n < end - 1)
        numbers = numbers.union_all(more)
        copied: dict[str, ColumnElement[Any]] = {
            column.name: column for column in _ROWS.columns if column.name != "id"
        }
        suffix = literal("/") + cast(numbers.c.n, String)
        copied |= {"name": _ROWS.c.name + suffix, "arn": _ROWS.c.arn + suffix}
        copies = select(*copied.values()).select_from(_ROWS.join(numbers, true()))
        with self.store.write() as tx:
            tx.connection.execute(
                insert(_ROWS).from_select(list(copied), copies.where(_ROWS.c.id <= last))
            )

    def make_due(self, *, over: float = 0.0, only: int | None = None) -> None:
        """All at once, or spread over so many seconds from now.

        Args:
            only: so many of them.
        """
        with self.store.write() as tx:
            ids = select(_ROWS.c.id).order_by(_ROWS.c.id).limit(only)
            chosen = list(tx.connection.execute(ids).scalars())
            columns = {
                "window_start": tx.now - timedelta(minutes=1),
                "window_end": tx.now + timedelta(days=60),
                "due_at": tx.now,
            }
            these = _ROWS.c.id.between(chosen[0], chosen[-1])
            tx.connection.execute(update(_ROWS).where(these).values(**columns))
            for number, row_id in enumerate(chosen if over else ()):
                due_at = tx.now + timedelta(seconds=over * (number + 1) / len(chosen))
                one = update(_ROWS).where(_ROWS.c.id == row_id)
                tx.connection.execute(one.values(due_at=due_at))
            waking.wake(tx)

    def rotations(self) -> int:
        """How many have succeeded."""
        succeeded = select(func.count()).where(tables.rotations.c.status == Status.SUCCEEDED)
        with self.store.read() as tx:
            return int(tx.connection.execute(succeeded).scalar_one())

    @contextmanager
    def daemon(self, *, step: float, workers: int) -> Iterator["Watch"]:
        """A daemon at work, in this process.

        Args:
            step: seconds that each rotation takes at its target.
        """
        point = EntryPoint(ROTATOR, "benchmarks.fleet:Waits", "rotator.rotators")
        engine = Engine(
            store=self.store,
            sealer=self.sealer,
            registry=RotatorRegistry([_Entry(ROTATOR, point, seconds=step)]),
            policy=EnginePolicy(drain=0.0),
            trust=None,
            parks=True,
        )
        parts = Parts(
            engine=engine,
            rooms=_NO_ROOMS,
            manager=SecretsManager(self.store, self.sealer),
            caps=Caps(workers=workers, per_target=workers, per_rotator=workers),
            poll=30.0,
            shutdown=30.0,
            drift_every=0.0,
            notices=Notices({}),
        )
        monitor = Monitor(ServiceManager(), None, open_api=_no_api)
        monitor.metrics = watch = Watch()
        daemon = Daemon(
            store=self.store,
            regions=frozenset({CALLER.region}),
            turn=Turn(self.store.file),
            parts=parts,
            read_again=lambda: Reloaded(parts=parts, changed=()),
            monitor=monitor,
        )
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            yield watch
        finally:
            daemon.stop()
            thread.join()


def _no_api(*_: object) -> ApiService:
    raise AssertionError("a daemon without an address answers nobody")


@dataclass(eq=False)
class Watch(Metrics):
    """The metrics of a daemon, and when each of its tasks was begun and over."""

    late: list[float] = field(default_factory=list)
    over: list[float] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        Metrics.__init__(self)

    def started(self, task: Task, *, late: float) -> None:
        """See `Metrics`."""
        super().started(task, late=late)
        self.late.append(late)

    def finished(
        self, task: Task, report: Report | None, error: Exception | None, *, lost: bool
    ) -> None:
        """See `Metrics`."""
        super().finished(task, report, error, lost=lost)
        if report is not None:
            with self._changed:
                self.over.append(time.perf_counter())
                self._changed.notify_all()

    def wait_for(self, count: int) -> float:
        """Waits until so many tasks are over; when the last of them was, on `time.perf_counter`."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.over) >= count)
            return self.over[count - 1]
