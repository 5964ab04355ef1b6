"""Reads and writes of the manager on a warm SQLite store, against the same with nothing but the driver."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bare_store import BareStore
from benchmarks.house import CALLER
from benchmarks.measure import Ratio, alternate
from rotator.crypto.audit_key import AuditKeyFile
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.manager.manager import SecretsManager
from rotator.sdk import SecretValue
from rotator.store.database import Database
from rotator.store.notes import Access, AuditEntry
from rotator.store.store import Store
from rotator.store.tx import Tx
from rotator.testing.postgres_server import PostgresServer

_READERS = 8
_READS = 1600
_WRITES = 300
_ROUNDS = 9
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
    def write(self, *, first: bool = False) -> Iterator[Tx]:
        """Without the records."""
        with Database.write(self, first=first) as tx:
            yield tx

    @property
    def looks_together(self) -> bool:
        """Nobody has anything to commit with others."""
        return False

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
                caller=CALLER, request_id="bench", name=_name(number), value=_VALUE
            )
        value = _VALUE.string or ""
        self._bare = BareStore(folder / "bare.db", like=folder / "store.db", value=value)
        # The same threads all the time: what belongs to a thread, as the floor's connections do, is warm too.
        self._readers = ThreadPoolExecutor(_READERS)

    def close(self) -> None:
        self._readers.shutdown()
        self._store.close()
        self._bare.close()

    def reads(self) -> Ratio:
        """GetSecretValue by eight threads against query, AES-GCM and a group-committed insert."""
        ours, floor = alternate(
            lambda: self._by_threads(self._read, _READS),
            lambda: self._by_threads(self._bare_read, _READS),
            rounds=_ROUNDS,
        )
        return _rate("reads, 8 threads", _READS, ours, floor, least=0.5)

    def writes(self) -> Ratio:
        """PutSecretValue against a bare transaction with as many commits."""
        ours, floor = alternate(
            lambda: _in_turn(self._write, _WRITES),
            lambda: _in_turn(self._bare_write, _WRITES),
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
        run = self._by_threads if act == self._read_with else _in_turn
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

    def _bare_read(self, number: int) -> None:
        self._bare.read(_name(number))

    def _bare_write(self, number: int) -> None:
        self._bare.write(_name(number))

    def _read_with(self, manager: SecretsManager, number: int) -> None:
        manager.get_secret_value(caller=CALLER, request_id="bench", secret_id=_name(number))

    def _write_with(self, manager: SecretsManager, number: int) -> None:
        manager.put_secret_value(
            caller=CALLER, request_id="bench", secret_id=_name(number), value=_VALUE
        )

    def _by_threads(self, act: Callable[[int], None], count: int) -> None:
        """Each thread does its share by itself: to hand out every single one would cost more than the floor."""

        def share(first: int) -> None:
            for number in range(first, count, _READERS):
                act(number)

        list(self._readers.map(share, range(_READERS)))


def _name(number: int) -> str:
    return f"db/{number % _SECRETS}"


def _in_turn(act: Callable[[int], None], count: int) -> None:
    for number in range(count):
        act(number)


def _rate(name: str, count: int, ours: float, floor: float, *, least: float) -> Ratio:
    return Ratio(name=name, unit="per second", ours=count / ours, floor=count / floor, least=least)
