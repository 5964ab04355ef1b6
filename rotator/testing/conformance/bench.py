"""A store in a folder with the real engine on it, and one rotator."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rotator.crypto.audit_key import GivenAuditKey
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.files import create_private_file
from rotator.manager.manager import SecretsManager
from rotator.manager.settings import RotationOptions
from rotator.model.caller import Caller, CallerKind
from rotator.rotation.claim import seal_context
from rotator.rotation.engine import Engine
from rotator.rotation.policy import EnginePolicy, RetryPolicy
from rotator.rotation.registry import GROUP, RotatorEntry, RotatorRegistry
from rotator.rotation.report import Report
from rotator.sdk import Rotator, SecretValue
from rotator.store import rotations, schema, secrets, versions
from rotator.store.database import Database
from rotator.store.store import Store
from rotator.testing.conformance.target import ConformanceTarget

ACCOUNT, REGION = "123456789012", "eu-central-1"
_ME = Caller(kind=CallerKind.LOCAL, name="conformance", account=ACCOUNT, region=REGION)
_WHO: dict[str, Any] = {"caller": _ME, "request_id": "conformance"}
_STORE = "store.db"
_AUDIT_KEY = GivenAuditKey("A" * 43 + "=")  # the store is thrown away
_POLICY = EnginePolicy(
    retry=RetryPolicy(attempts=2, base=0.01, cap=0.02, reverts=2),
    step_limit=20.0,
    lease=30.0,
    drain=0.0,
)

Wrap = Callable[[Rotator], Rotator]


@dataclass(frozen=True)
class _Tested(RotatorEntry):
    """The rotator under test, in this process, with something around it."""

    wrap: Wrap = field(default=lambda rotator: rotator)

    @cached_property
    def builtin(self) -> bool:
        return True

    def make(self) -> Rotator:
        return self.wrap(super().make())


class Bench:
    """The store at a place; several processes may open it at once.

    Args:
        folder: where it is.
        reference: the rotator's class as an entry point names it, `module:Class`.
    """

    def __init__(self, folder: Path, *, reference: str) -> None:
        self.folder = folder
        self.reference = reference
        self.store = Store.open(_url(folder), create=False, audit_key=_AUDIT_KEY)
        self._sealer = Sealer(FileKeyProvider(folder / "keyring.json"))
        self.manager = SecretsManager(self.store, self._sealer)

    @classmethod
    def make(cls, folder: Path, *, reference: str) -> "Bench":
        """A new store."""
        create_private_file(folder / _STORE, _new_store())
        create_keyring(folder / "keyring.json")
        return cls(folder, reference=reference)

    def close(self) -> None:
        """Closes the store."""
        self.store.close()

    # Secrets.

    def adopt(self, target: ConformanceTarget, value: SecretValue) -> str:
        """A secret whose rotation is set, as `rotate secret create` and `rotate rotation set` do it. Gives its name."""
        admin = None
        if target.admin is not None:
            made = self.manager.create_secret(
                **_WHO, name=f"admin-{uuid.uuid4().hex}", value=target.admin
            )
            admin = made.arn
        name = f"app-{uuid.uuid4().hex}"
        engine, rotator = self.engine(), self._entry().name
        self.manager.create_secret(**_WHO, name=name, value=value)
        claimed = engine.claims(rotator, value)
        settings = engine.check_settings(rotator, target.settings)
        self.manager.set_rotation(
            **_WHO,
            secret_id=name,
            rotator=rotator,
            authority=replace(claimed, admin=admin or claimed.admin),
            options=RotationOptions(settings=settings),
        )
        return name

    def put(self, name: str, value: SecretValue) -> None:
        """Makes a value AWSCURRENT, whatever the target says to it."""
        self.manager.put_secret_value(**_WHO, secret_id=name, value=value)

    def value(self, name: str, label: str = "AWSCURRENT") -> SecretValue | None:
        """The value at a label; read past the manager, so that no read barrier delays it."""
        with self.store.read() as tx:
            secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
            version, _ = versions.at_label(tx, secret_id=secret.id, label=label)
            if version is None or version.sealed is None:
                return None
            context = seal_context(secret, version.version_id)
        return self._sealer.open(version.sealed, context=context)

    def told(self, name: str) -> str:
        """What the store keeps of the secret's rotations, and what a person is shown of the secret."""
        with self.store.read() as tx:
            secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
            history = rotations.history(tx, secret.id, limit=100)
        shown = self.manager.describe_secret(**_WHO, secret_id=name)
        return repr((history, shown))

    # Rotations.

    def engine(self, wrap: Wrap | None = None) -> Engine:
        """The engine, with `wrap` around each instance of the rotator."""
        entry = self._entry() if wrap is None else replace(self._entry(), wrap=wrap)
        return Engine(
            store=self.store,
            sealer=self._sealer,
            registry=RotatorRegistry([entry]),
            policy=_POLICY,
            trust=None,
        )

    def rotate(self, name: str, wrap: Wrap | None = None) -> Report:
        """Rotates; an old credential that still logs in is retired first."""
        return self.engine(wrap).rotate(name, **_WHO, end_grace=True)

    def resume(self, name: str) -> Report | None:
        """Takes up what was left unfinished."""
        return self.engine().resume(name, **_WHO)

    def retire(self, name: str, wrap: Wrap | None = None) -> Report | None:
        """Makes the target refuse what the last rotation replaced."""
        return self.engine(wrap).retire(name, **_WHO)

    def plan(self, name: str) -> Any:
        """What `rotate plan` says."""
        return self.engine().plan(name, **_WHO)

    def verify(self, name: str) -> Any:
        """What `rotate verify` says."""
        return self.engine().verify(name, **_WHO)

    def _entry(self) -> _Tested:
        point = EntryPoint("tested", self.reference, GROUP)
        return _Tested(point.load().name, point)


@cache
def _new_store() -> bytes:
    """A store without secrets: copying it is faster than migrating."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        database = Database.connect(_url(folder), create=True)
        schema.upgrade(database)
        database.close()
        store = Store.open(_url(folder), create=False, audit_key=_AUDIT_KEY)
        store.begin_audit()
        store.close()
        return (folder / _STORE).read_bytes()


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / _STORE}"
