"""A whole rotator on one store: manager, engine, and secrets whose credentials exist on a real server."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.manager.settings import RotationOptions
from rotator.rotation.engine import Engine
from rotator.rotation.policy import EnginePolicy, RetryPolicy
from rotator.rotation.registry import RotatorRegistry
from rotator.rotation.report import Observer, Report, ignore
from rotator.sdk import SecretValue
from rotator.store import labels, rotations, secrets, versions, waking
from rotator.store.rotation_row import RotationRow
from rotator.store.store import Store
from rotator.store.tables import rotations as rotation_rows
from tests.support.manager import ACCOUNT, ME, REGION, row_id
from tests.support.postgres import Role

SINGLE = "postgresql-single-user"
ALTERNATING = "postgresql-alternating-users"
REGIONS = (REGION, "us-east-1", "ap-south-1")
"""Those that are served."""
QUICK = EnginePolicy(
    retry=RetryPolicy(attempts=3, base=0.01, cap=0.05, reverts=2),
    step_limit=10,
    lease=30,
    drain=0.0,
)


R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


class Server(Protocol[R_contra]):
    """A server whose credentials can be stored as secrets."""

    def secret_value(self, role: R_contra, /) -> dict[str, str | int | bool]:
        """The secret JSON of a role or account."""
        ...


@dataclass
class House:
    """One store with its sealer, and the rooms above it."""

    store: Store
    sealer: Sealer
    policy: EnginePolicy = QUICK
    sleep: Callable[[float], None] | None = None
    registry: RotatorRegistry = field(default_factory=RotatorRegistry.load)

    @property
    def manager(self) -> SecretsManager:
        return SecretsManager(self.store, self.sealer, regions=REGIONS)

    def engine(self, **changes: Any) -> Engine:
        parts: dict[str, Any] = {
            "store": self.store,
            "sealer": self.sealer,
            "registry": self.registry,
            "policy": self.policy,
            "trust": None,
        }
        return Engine(**parts | changes)

    def with_policy(self, **changes: Any) -> "House":
        return replace(self, policy=replace(self.policy, **changes))

    # Secrets

    def adopt(
        self,
        server: Server[R],
        role: R,
        *,
        rotator: str = SINGLE,
        admin: R | None = None,
        options: RotationOptions | None = None,
        **fields: Any,
    ) -> str:
        """Stores the credential of a role as it is, and sets its rotation. Gives the secret's name."""
        value = server.secret_value(role) | fields
        if admin is not None:
            admin_name = f"admin-{uuid.uuid4().hex[:12]}"
            made = self.manager.create_secret(
                **ME, name=admin_name, value=SecretValue.from_json(server.secret_value(admin))
            )
            value["masterarn"] = made.arn
        name = f"db-{uuid.uuid4().hex[:12]}"
        stored = SecretValue.from_json(value)
        self.manager.create_secret(**ME, name=name, value=stored)
        self.pin(name, rotator, stored, options=options)
        return name

    def pin(
        self, name: str, rotator: str, value: SecretValue, *, options: RotationOptions | None = None
    ) -> None:
        authority = self.engine().claims(rotator, value)
        self.manager.set_rotation(
            **ME, secret_id=name, rotator=rotator, authority=authority, options=options
        )

    def make_due(self, name: str, **changes: Any) -> None:
        """Makes its planned moment a minute ago, in a window that is open for an hour."""
        rules = RotationRules(schedule_expression="rate(10 days)")
        self.manager.set_rotation(**ME, secret_id=name, rules=rules)
        minute = timedelta(minutes=1)
        with self.store.write() as tx:
            columns = {
                "due_at": tx.now - minute,
                "window_start": tx.now - 2 * minute,
                "window_end": tx.now + 60 * minute,
            }
            secrets.update(tx, row_id(tx, name), **(columns | changes))
            waking.wake(tx)

    def mark_deleted(self, name: str, *, deleted: bool) -> None:
        """Past the manager, which refuses that for the admin secret of others."""
        with self.store.write() as tx:
            secrets.update(tx, row_id(tx, name), deleted_at=tx.now if deleted else None)

    def rotate(
        self, name: str, *, observer: Observer = ignore, engine: Engine | None = None
    ) -> Report:
        return (engine or self.engine()).rotate(name, **ME, observer=observer)

    def end_grace_periods(self, *, waits_too: bool = False) -> None:
        """Puts their ends into the past, and with `waits_too` those of the waits for clients."""
        with self.store.write() as tx:
            over: dict[str, object] = {"next_attempt_at": tx.now}
            if waits_too:
                over["deadline_at"] = tx.now
            tx.execute(update(rotation_rows), over)

    # What the store says

    def fields(self, name: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
        """The JSON of the version at a label; read past the manager, so that no barrier delays it."""
        value = self.value_at(name, stage)
        assert value is not None, f"{name} has no {stage}"
        return value.fields()

    def value_at(self, name: str, stage: str) -> SecretValue | None:
        from rotator.rotation.claim import seal_context

        with self.store.read() as tx:
            secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
            version, _ = versions.at_label(tx, secret_id=secret.id, label=stage)
        if version is None or version.sealed is None:
            return None
        return self.sealer.open(version.sealed, context=seal_context(secret, version.version_id))

    def labels(self, name: str) -> dict[str, str]:
        with self.store.read() as tx:
            secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
            return dict(labels.load(tx, secret.id).at)

    def version_ids(self, name: str) -> set[str]:
        listed = self.manager.list_secret_version_ids(**ME, secret_id=name, include_deprecated=True)
        return {version.version_id for version in listed.versions}

    def history(self, name: str) -> tuple[RotationRow, ...]:
        with self.store.read() as tx:
            secret = secrets.find(tx, account=ACCOUNT, region=REGION, secret_id=name)
            return rotations.history(tx, secret.id, limit=100)

    def role(self, name: str, stage: str = "AWSCURRENT") -> Role:
        """The role and password that a version holds."""
        found = self.fields(name, stage)
        return Role(name=found["username"], password=found["password"])
