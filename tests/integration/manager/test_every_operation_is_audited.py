"""Every public operation leaves an audit record, of what was done and of what was refused: a new one has to, too."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import AccessDenied, KeyUnavailable, ResourceNotFound, RotatorError
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.manager.principals import EVERYTHING
from rotator.model.caller import Caller, CallerKind
from rotator.model.replication import ReplicaRegion
from rotator.rotation.engine import Engine
from rotator.sdk import SecretValue
from rotator.store import audit_search, tables, versions
from rotator.store.audit_search import AuditFilter, AuditRecord
from rotator.store.secrets import update as write_columns
from rotator.store.store import Store
from tests.support.house import House
from tests.support.manager import ABROAD, ACCOUNT, ALICE, POLICY, REGION, Who, row_id, token, value
from tests.support.store import AUDIT_KEY, sqlite_url

GUEST = Caller(kind=cast("CallerKind", "guest"), name="eve", account=ACCOUNT, region=REGION)
"""A caller of a kind that may nothing."""

_numbers = itertools.count()


@dataclass(frozen=True)
class World:
    """A store with the rooms above it, and one secret of the test's own."""

    store: Store
    house: House
    secret: str = field(default_factory=lambda: f"db-{next(_numbers)}")

    @property
    def manager(self) -> SecretsManager:
        return self.house.manager

    @property
    def replicator(self) -> SecretsManager:
        """The manager of an installation that serves another region too."""
        return SecretsManager(self.store, self.house.sealer, regions=[REGION, ABROAD.region])

    @property
    def auditing(self) -> Auditing:
        return Auditing(self.store)

    @property
    def engine(self) -> Engine:
        return self.house.engine()

    @property
    def me(self) -> Who:
        return {"caller": ALICE, "request_id": f"setting-up-{self.secret}"}

    def records(self, who: Who) -> list[AuditRecord]:
        """What a caller's request has left, oldest first."""
        where = AuditFilter(principal=who["caller"].principal)
        with self.store.read() as tx:
            found = audit_search.page(
                tx,
                where,
                account=ACCOUNT,
                region=REGION,
                after=None,
                limit=10_000,
                newest_first=False,
            )
        return [record for record in found if record.request_id == who["request_id"]]

    def plain(self) -> str:
        """A secret that can't rotate."""
        name = f"{self.secret}-plain"
        self.manager.create_secret(**self.me, name=name, value=value("v"))
        return name

    def due_for_purge(self) -> None:
        self.manager.delete_secret(**self.me, secret_id=self.secret)
        with self.store.write() as tx:
            write_columns(tx, row_id(tx, self.secret), purge_at=tx.now - timedelta(days=1))

    def planned_otherwise(self) -> None:
        """Its due time was worked out from what holds no more."""
        with self.store.write() as tx:
            at = tx.now + timedelta(days=900)
            write_columns(tx, row_id(tx, self.secret), due_basis="another", due_at=at)

    def crowded(self) -> None:
        """It has more old versions without a label than are kept."""
        with self.store.write() as tx:
            row = row_id(tx, self.secret)
            for number in range(100, 203):
                versions.insert(tx, secret_id=row, version_id=token(number), sealed=None)
            old = {"created_at": tx.now - timedelta(days=2)}
            tx.connection.execute(update(tables.versions).values(old))

    def due(self) -> None:
        with self.store.write() as tx:
            moments = {
                "due_at": tx.now - timedelta(days=1),
                "window_end": tx.now + timedelta(days=1),
            }
            write_columns(tx, row_id(tx, self.secret), **moments)

    def a_replica(self) -> None:
        """It is one of a secret abroad."""
        self.manager.delete_secret(**self.me, secret_id=self.secret, force_without_recovery=True)
        self.replicator.create_secret(
            caller=ABROAD,
            request_id="abroad",
            name=self.secret,
            value=value("v"),
            add_replica_regions=[ReplicaRegion(region=REGION)],
        )

    def new_key(self) -> str:
        return self.manager.create_key(**self.me).key_id

    def new_principal(self) -> str:
        name = f"{self.secret}-someone"
        self.manager.create_principal(**self.me, principal=name, policies={"own": EVERYTHING})
        return name

    def repair_principals(self, who: Who) -> None:
        """Alters a row, and has it count again; by someone who may at the latest."""
        self.new_principal()
        with self.store.write() as tx:
            tx.connection.execute(tables.principals.update().values(disabled=True))
        code = self.manager.review_principals(**self.me).code
        try:
            self.manager.repair_principals(**who, code=code)
        finally:
            review = self.manager.review_principals(**self.me)
            if not review.right:
                self.manager.repair_principals(**self.me, code=review.code)

    def new_group(self) -> str:
        name = f"{self.secret}-some"
        self.manager.create_principal(**self.me, principal=name, group=True)
        return name

    def new_access_key(self) -> str:
        made = self.manager.create_access_key(**self.me, principal=self.new_principal())
        return made.access_key_id

    def new_alias(self) -> str:
        alias = f"alias/{self.secret}"
        self.manager.create_key(**self.me, alias=alias)
        return alias


Operation = Callable[[World, Who, str], object]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def imported(name: str) -> PortableSecret:
    return PortableSecret(name=name, versions=(PortableVersion(value=value("v")),))


# Given are the world, who asks, and the secret's name. Each is done on a secret that has two versions and a rotator.
MANAGER: dict[str, Operation] = {
    "create_secret": lambda w, who, s: w.manager.create_secret(**who, name=f"{s}-new"),
    "delete_secret": lambda w, who, s: w.manager.delete_secret(**who, secret_id=s),
    "restore_secret": lambda w, who, s: w.manager.restore_secret(**who, secret_id=s),
    "purge": lambda w, who, _: w.manager.purge(**who, limit=1),
    "overdue": lambda w, who, _: w.manager.overdue(**who, limit=1),
    "prune_versions": lambda w, who, _: w.manager.prune_versions(
        **who, after=0, secrets_at_most=1_000_000
    ),
    "get_secret_value": lambda w, who, s: w.manager.get_secret_value(**who, secret_id=s),
    "read_secret_value": lambda w, who, s: w.manager.read_secret_value(**who, secret_id=s),
    "batch_get_secret_value": lambda w, who, s: w.manager.batch_get_secret_value(
        **who, secret_ids=[s]
    ),
    "put_secret_value": lambda w, who, s: w.manager.put_secret_value(
        **who, secret_id=s, value=value("v3")
    ),
    "update_secret": lambda w, who, s: w.manager.update_secret(
        **who, secret_id=s, description="of the shop"
    ),
    "update_secret_version_stage": lambda w, who, s: w.manager.update_secret_version_stage(
        **who, secret_id=s, version_stage="blue", move_to_version_id=token(1)
    ),
    "tag_resource": lambda w, who, s: w.manager.tag_resource(**who, secret_id=s, tags={"a": "b"}),
    "untag_resource": lambda w, who, s: w.manager.untag_resource(
        **who, secret_id=s, tag_keys=["a"]
    ),
    "put_resource_policy": lambda w, who, s: w.manager.put_resource_policy(
        **who, secret_id=s, resource_policy=POLICY
    ),
    "get_resource_policy": lambda w, who, s: w.manager.get_resource_policy(**who, secret_id=s),
    "delete_resource_policy": lambda w, who, s: w.manager.delete_resource_policy(
        **who, secret_id=s
    ),
    "list_resource_policies": lambda w, who, s: w.manager.list_resource_policies(
        **who, secret_id=s
    ),
    "validate_resource_policy": lambda w, who, s: w.manager.validate_resource_policy(
        **who, secret_id=s, resource_policy=POLICY
    ),
    "get_random_password": lambda w, who, _: w.manager.get_random_password(**who),
    "describe_secret": lambda w, who, s: w.manager.describe_secret(**who, secret_id=s),
    "list_secrets": lambda w, who, _: w.manager.list_secrets(**who),
    "list_secret_version_ids": lambda w, who, s: w.manager.list_secret_version_ids(
        **who, secret_id=s
    ),
    "set_rotation": lambda w, who, s: w.manager.set_rotation(
        **who, secret_id=s, rotator="generic-password"
    ),
    "get_rotation": lambda w, who, s: w.manager.get_rotation(**who, secret_id=s),
    "cancel_rotation": lambda w, who, s: w.manager.cancel_rotation(**who, secret_id=s),
    "replan": lambda w, who, _: w.manager.replan(**who),
    "compare_secrets": lambda w, who, s: w.manager.compare_secrets(**who, wanted=[imported(s)]),
    "create_secrets": lambda w, who, s: w.manager.create_secrets(
        **who, wanted=[imported(f"{s}-imported")]
    ),
    "export_secrets": lambda w, who, _: w.manager.export_secrets(**who),
    "export_secret": lambda w, who, s: w.manager.export_secret(**who, secret_id=s),
    "replicate_secret_to_regions": lambda w, who, s: w.replicator.replicate_secret_to_regions(
        **who, secret_id=s, add_replica_regions=[ReplicaRegion(region=ABROAD.region)]
    ),
    "remove_regions_from_replication": lambda w, who, s: (
        w.replicator.remove_regions_from_replication(
            **who, secret_id=s, remove_replica_regions=[ABROAD.region]
        )
    ),
    "stop_replication_to_replica": lambda w, who, s: w.replicator.stop_replication_to_replica(
        **who, secret_id=s
    ),
    "watch_secrets": lambda w, who, s: w.manager.watch_secrets(**who, known={s: token(1)}),
    "list_keys": lambda w, who, _: w.manager.list_keys(**who),
    "list_key_secrets": lambda w, who, _: w.manager.list_key_secrets(**who, key="alias/x"),
    "create_key": lambda w, who, _: w.manager.create_key(**who),
    "rotate_key": lambda w, who, _: w.manager.rotate_key(**who),
    "disable_key": lambda w, who, _: w.manager.disable_key(**who, key=w.new_key()),
    "enable_key": lambda w, who, _: w.manager.enable_key(**who, key=w.new_key()),
    "set_key_alias": lambda w, who, s: w.manager.set_key_alias(
        **who, alias=f"alias/{s}-set", key=w.new_key()
    ),
    "remove_key_alias": lambda w, who, _: w.manager.remove_key_alias(**who, alias=w.new_alias()),
    "export_keys": lambda w, who, _: w.manager.export_keys(**who),
    "import_keys": lambda w, who, _: w.manager.import_keys(
        **who, keys=w.manager.export_keys(**w.me)
    ),
    "rewrap_keys": lambda w, who, _: w.manager.rewrap_keys(**who),
    "plan_rewrap": lambda w, who, _: w.manager.plan_rewrap(**who),
    "create_principal": lambda w, who, s: w.manager.create_principal(**who, principal=f"{s}-new"),
    "delete_principal": lambda w, who, _: w.manager.delete_principal(
        **who, principal=w.new_principal()
    ),
    "review_principals": lambda w, who, _: w.manager.review_principals(**who),
    "repair_principals": lambda w, who, _: w.repair_principals(who),
    "list_principals": lambda w, who, _: w.manager.list_principals(**who),
    "set_principal_status": lambda w, who, _: w.manager.set_principal_status(
        **who, principal=w.new_principal(), disabled=True
    ),
    "set_group_membership": lambda w, who, _: w.manager.set_group_membership(
        **who, principal=w.new_principal(), group=w.new_group(), member=True
    ),
    "put_principal_policy": lambda w, who, _: w.manager.put_principal_policy(
        **who, principal=w.new_principal(), policy_name="p", document=EVERYTHING
    ),
    "delete_principal_policy": lambda w, who, _: w.manager.delete_principal_policy(
        **who, principal=w.new_principal(), policy_name="own"
    ),
    "create_access_key": lambda w, who, _: w.manager.create_access_key(
        **who, principal=w.new_principal()
    ),
    "set_access_key_status": lambda w, who, _: w.manager.set_access_key_status(
        **who, access_key_id=w.new_access_key(), disabled=True
    ),
    "delete_access_key": lambda w, who, _: w.manager.delete_access_key(
        **who, access_key_id=w.new_access_key()
    ),
    "list_access_keys": lambda w, who, _: w.manager.list_access_keys(**who),
    "simulate_policy": lambda w, who, s: w.manager.simulate_policy(
        **who, principal=w.new_principal(), action="GetSecretValue", secret_id=s
    ),
}
AUDITING: dict[str, Operation] = {
    "show": lambda w, who, s: w.auditing.show(**who, where=AuditFilter(secret=s)),
    "export": lambda w, who, s: list(w.auditing.export(**who, where=AuditFilter(secret=s))),
    "heads": lambda w, who, _: w.auditing.heads(**who),
    "state": lambda w, who, _: w.auditing.state(**who),
    "verify": lambda w, who, _: w.auditing.verify(**who),
    "checkpoint": lambda w, who, _: w.auditing.checkpoint(**who),
    "count_prunable": lambda w, who, _: w.auditing.count_prunable(**who, before=LONG_AGO),
    "prune": lambda w, who, _: w.auditing.prune(
        **who, before=datetime.now(UTC) + timedelta(hours=1)
    ),
}
ENGINE: dict[str, Operation] = {
    "rotate": lambda w, who, s: w.engine.rotate(s, **who),
    "run_due": lambda w, who, s: w.engine.run_due(s, **who),
    "resume": lambda w, who, s: w.engine.resume(s, **who),
    "abort": lambda w, who, s: w.engine.abort(s, **who),
    "retire": lambda w, who, s: w.engine.retire(s, **who),
    "plan": lambda w, who, s: w.engine.plan(s, **who),
    "verify": lambda w, who, s: w.engine.verify(s, **who),
    "test": lambda w, who, s: w.engine.test(s, **who),
    "door": lambda w, who, s: w.engine.door(s, **who),
}

# What looks at no secret, or for whoever has been recorded already.
NO_OPERATIONS = {
    SecretsManager: {
        "check_secret": "looks at nothing that is stored",
        "rotation_before": "looks for `set_rotation`, which is recorded",
        "record_call": "is a record and nothing else",
        "record_refusal": "is a record and nothing else",
        "barrier_remaining": "tells a read that goes on when it may",
        "read_secret_values": "records each read, as `test_reading_together` shows",
        "look_again": "goes on for `watch_secrets`, which is recorded",
    },
    Auditing: {},
    Engine: {
        "requested": "gives what `set_rotation` does, which is recorded",
        "requested_test": "gives what `set_rotation` does, which is recorded",
        "retirable": "names what `retire` is asked for then, which is recorded",
        "resumable": "names what `resume` is asked for then, which is recorded",
        "claims": "looks at nothing that is stored",
        "is_same": "looks at nothing that is stored",
        "invokes": "looks at nothing that is stored",
        "require_invocable": "looks at nothing that is stored",
        "check_settings": "looks at nothing that is stored",
    },
}
OPERATIONS = {SecretsManager: MANAGER, Auditing: AUDITING, Engine: ENGINE}
ALL = [
    pytest.param(name, operation, id=f"{room.__name__}.{name}")
    for room, operations in OPERATIONS.items()
    for name, operation in operations.items()
]

# What has to be so before an operation finds something to do.
BEFORE: dict[str, Callable[[World], object]] = {
    "restore_secret": lambda w: w.manager.delete_secret(**w.me, secret_id=w.secret),
    "purge": World.due_for_purge,
    "replan": World.planned_otherwise,
    "rewrap_keys": lambda w: w.manager.rotate_key(**w.me),
    "run_due": World.due,
    "prune_versions": World.crowded,
    "stop_replication_to_replica": World.a_replica,
}
# These are answered, and tell in its answer what it refused.
BATCHES = {"batch_get_secret_value", "watch_secrets"}
ON_NO_SECRET = {
    "create_secret", "purge", "get_random_password", "list_secrets", "replan", "compare_secrets", "create_secrets",
    "export_secrets", "list_keys", "list_key_secrets", "create_key", "rotate_key", "disable_key", "enable_key",
    "set_key_alias", "remove_key_alias", "export_keys", "import_keys", "rewrap_keys", "plan_rewrap", "overdue",
    "prune_versions", "create_principal", "delete_principal", "list_principals", "set_principal_status",
    "set_group_membership", "put_principal_policy", "delete_principal_policy", "create_access_key",
    "review_principals", "repair_principals", "set_access_key_status", "delete_access_key", "list_access_keys",
    "simulate_policy",
}  # fmt: skip
ON_A_SECRET = [
    pytest.param(operation, id=f"{room.__name__}.{name}")
    for room in (SecretsManager, Engine)
    for name, operation in OPERATIONS[room].items()
    if name not in ON_NO_SECRET | BATCHES
]
# Calls that are refused for another reason, and what the record says of them beside the error.
WRONG: dict[str, tuple[Operation, dict[str, Any]]] = {
    "a name in use": (
        lambda w, who, s: w.manager.create_secret(**who, name=s),
        {"secret_arn": "{secret}"},
    ),
    "a token in use": (
        lambda w, who, s: w.manager.put_secret_value(
            **who, secret_id=s, value=value("other"), client_request_token=token(1)
        ),
        {"secret_arn": "{secret}", "version_id": token(1)},
    ),
    "no such version": (
        lambda w, who, s: w.manager.get_secret_value(**who, secret_id=s, version_id=token(9)),
        {"secret_arn": "{secret}", "version_id": token(9)},
    ),
    "no such label": (
        lambda w, who, s: w.manager.get_secret_value(**who, secret_id=s, version_stage="green"),
        {"secret_arn": "{secret}", "asked": {"version_stage": "green"}},
    ),
    "what no name can be": (
        lambda w, who, _: w.manager.describe_secret(**who, secret_id="no\0name\ud800" * 100),
        {"secret_arn": ("no\\x00name\\ud800" * 100)[:640]},
    ),
    "a cursor of no list": (lambda w, who, _: w.manager.list_secrets(**who, cursor="x"), {}),
    "a cursor of no audit": (
        lambda w, who, _: w.auditing.show(**who, where=AuditFilter(), cursor="x"),
        {},
    ),
    "a page of nothing": (
        lambda w, who, _: w.auditing.show(**who, where=AuditFilter(), limit=0),
        {},
    ),
    "no such key": (
        lambda w, who, _: w.manager.disable_key(**who, key="none"),
        {"asked": {"key": "none"}},
    ),
    "an alias that can't be one": (
        lambda w, who, _: w.manager.create_key(**who, alias="no alias"),
        {"asked": {"alias": "no alias"}},
    ),
    "a secret that is no plan": (
        lambda w, who, _: w.manager.create_secrets(**who, wanted=[imported("no name")]),
        {},
    ),
    "a secret without a rotator": (
        lambda w, who, _: w.engine.rotate(w.plain(), **who),
        {"asked": {"purpose": "rotate"}},
    ),
}


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One store for all: what is asked here is the same on every engine."""
    home = tmp_path_factory.mktemp("audited")
    shutil.copy(sqlite_template, home / "store.db")
    (home / "store.db").chmod(0o600)
    create_keyring(home / "keys" / "keyring.json")
    store = Store.open(sqlite_url(home / "store.db"), create=False, audit_key=AUDIT_KEY)
    yield House(store, Sealer(FileKeyProvider(home / "keys" / "keyring.json")))
    store.close()


@pytest.fixture
def world(house: House) -> World:
    """A secret with two versions that can rotate."""
    made = World(house.store, house)
    house.manager.create_secret(
        **made.me, name=made.secret, value=value("v1"), client_request_token=token(1)
    )
    house.manager.put_secret_value(**made.me, secret_id=made.secret, value=value("v2"))
    house.pin(made.secret, "generic-password", SecretValue(string="v2"))
    return made


@pytest.mark.parametrize("room", OPERATIONS, ids=lambda room: room.__name__)
def test_none_is_left_out(room: type[object]) -> None:
    """Whoever adds an operation has to say here how it is called, and so that it leaves a record."""
    public = {
        name for name in dir(room) if not name.startswith("_") and callable(getattr(room, name))
    }
    assert public == OPERATIONS[room].keys() | NO_OPERATIONS[room].keys()


@pytest.mark.parametrize(("name", "operation"), ALL)
def test_what_was_done_is_on_record(world: World, name: str, operation: Operation) -> None:
    """Who did it, under which request id."""
    if name in BEFORE:
        BEFORE[name](world)
    who: Who = {"caller": ALICE, "request_id": f"done-{world.secret}"}

    operation(world, who, world.secret)

    recorded = world.records(who)
    assert recorded
    assert {record.outcome for record in recorded} == {"succeeded"}


@pytest.mark.parametrize(
    ("name", "operation"), [each for each in ALL if each.values[0] not in BATCHES]
)
def test_what_was_denied_is_on_record(world: World, name: str, operation: Operation) -> None:
    """A caller of a kind that may nothing is denied everything, and there is one record of it."""
    if name in BEFORE:
        BEFORE[name](world)
    who: Who = {"caller": GUEST, "request_id": f"denied-{world.secret}"}

    with pytest.raises(AccessDenied):
        operation(world, who, world.secret)

    [record] = world.records(who)
    assert record.outcome == "denied"
    assert record.detail is not None
    assert record.detail["error"] == "AccessDenied"


@pytest.mark.parametrize("operation", ON_A_SECRET)
def test_what_is_not_there_was_asked_for(world: World, operation: Operation) -> None:
    """Who asks for a secret that doesn't exist leaves the name that was asked for."""
    who: Who = {"caller": ALICE, "request_id": f"missed-{world.secret}"}

    with pytest.raises(ResourceNotFound):
        operation(world, who, "no-such-secret")

    [record] = world.records(who)
    assert (record.secret_arn, record.outcome) == ("no-such-secret", "failed")
    assert record.detail is not None
    assert record.detail["error"] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("caller", "outcome"), [(ALICE, "failed"), (GUEST, "denied")], ids=["missing", "denied"]
)
def test_a_batch_records_what_it_refuses(world: World, caller: Caller, outcome: str) -> None:
    """Each secret of a batch that is refused leaves a record beside that of the batch."""
    who: Who = {"caller": caller, "request_id": f"batch-{world.secret}"}
    named = world.secret if caller is GUEST else "no-such-secret"

    answer = world.manager.batch_get_secret_value(**who, secret_ids=[named, named])

    assert [error.secret_id for error in answer.errors] == [named]
    [batch, refused] = world.records(who)
    assert (batch.event, refused.event) == ("BatchGetSecretValue", "GetSecretValue")
    assert (refused.secret_arn, refused.outcome) == (named, outcome)


def test_a_watch_records_what_it_refuses(world: World) -> None:
    """Who may not describe a secret is told to read it, which is denied too; the refusal is on record."""
    who: Who = {"caller": GUEST, "request_id": f"watch-{world.secret}"}

    watch = world.manager.watch_secrets(**who, known={world.secret: token(1)})

    assert (watch.changed, dict(watch.owners)) == ((world.secret,), {})
    [refused, watched] = world.records(who)
    assert (refused.event, refused.outcome) == ("DescribeSecret", "denied")
    assert watched.event == "WatchSecrets"


@pytest.mark.parametrize(("operation", "told"), WRONG.values(), ids=WRONG)
def test_what_was_refused_is_on_record(
    world: World, operation: Operation, told: dict[str, Any]
) -> None:
    """Whatever the reason, there is one record, with what was asked for as far as a column can hold it."""
    who: Who = {"caller": ALICE, "request_id": f"refused-{world.secret}"}

    with pytest.raises(RotatorError) as refused:
        operation(world, who, world.secret)

    [record] = world.records(who)
    assert record.outcome == "failed"
    assert record.detail == {"error": type(refused.value).__name__, **told.get("asked", {})}
    for column in told.keys() - {"asked"}:
        expected = str(told[column]).format(secret=world.secret)
        assert getattr(record, column) == expected


def test_what_cannot_be_recorded_is_not_answered(world: World) -> None:
    """Where a refusal can't be recorded, nobody learns from it what is there."""
    without_key = Store.open(f"sqlite:///{world.store.file}", create=False)
    try:
        with pytest.raises(KeyUnavailable, match="without its audit key"):
            SecretsManager(without_key, world.house.sealer).describe_secret(
                **world.me, secret_id="no-such-secret"
            )
    finally:
        without_key.close()
