"""Replicas of a secret in other regions, on each engine of the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from rotator.crypto.envelope import Sealer
from rotator.errors import (
    InvalidParameter,
    KeyUnavailable,
    ResourceExists,
    ResourceNotFound,
    RowAltered,
)
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind
from rotator.model.filters import Filter, FilterKey, SecretFilter
from rotator.model.replication import REPLICA_REFUSED, ReplicaRegion, ReplicaStatus
from rotator.model.rotation import Status
from rotator.store import audit_rows, secrets
from rotator.store.store import Store, Tx
from tests.support.house import House
from tests.support.manager import ACCOUNT, ME, POLICY, REGION, Who, row_id, token, value

THERE = "us-east-1"
FURTHER = "ap-south-1"
NAME = "db/app"


def _at(region: str) -> Who:
    caller = Caller(kind=CallerKind.LOCAL, name="alice", account=ACCOUNT, region=region)
    return {"caller": caller, "request_id": f"request-{region}"}


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager that serves three regions."""
    return SecretsManager(store, sealer, regions={REGION, THERE, FURTHER})


@pytest.fixture
def replicated(manager: SecretsManager) -> SecretsManager:
    """The same with a secret that has a replica."""
    manager.create_secret(
        **ME,
        name=NAME,
        value=value("first"),
        client_request_token=token(1),
        description="the shop",
        tags={"team": "a"},
        add_replica_regions=[ReplicaRegion(region=THERE)],
    )
    return manager


def test_keys_are_asked_for_outside_of_transactions(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key provider may be a network away: while it says whether a replica's key is there, nobody waits for a row."""
    writing: list[Tx] = []
    asked: list[str | None] = []
    write, resolve = store.write, sealer.provider.resolve

    @contextmanager
    def watched(*given: Any, **named: Any) -> Iterator[Tx]:
        with write(*given, **named) as tx:
            writing.append(tx)
            try:
                yield tx
            finally:
                writing.pop()

    def watched_resolve(name: str | None) -> str:
        assert not writing
        asked.append(name)
        return resolve(name)

    monkeypatch.setattr(store, "write", watched)
    monkeypatch.setattr(sealer.provider, "resolve", watched_resolve)
    manager = SecretsManager(store, sealer, regions={REGION, THERE, FURTHER})
    manager.create_secret(
        **ME,
        name=NAME,
        value=value("first"),
        add_replica_regions=[ReplicaRegion(region=THERE, kms_key_id="alias/there")],
    )
    manager.replicate_secret_to_regions(
        **ME,
        secret_id=NAME,
        add_replica_regions=[ReplicaRegion(region=FURTHER, kms_key_id="alias/further")],
    )
    assert {"alias/there", "alias/further"} <= set(asked)


def _text(
    manager: SecretsManager,
    region: str,
    *,
    version_stage: str | None = None,
    version_id: str | None = None,
) -> str | None:
    found = manager.get_secret_value(
        **_at(region), secret_id=NAME, version_stage=version_stage, version_id=version_id
    )
    return found.value.string


def _unaltered(store: Store) -> bool:
    return not [found for found in audit_rows.differences(store) if found is not None]


def test_a_replica_has_the_primarys_arn_but_for_the_region(replicated: SecretsManager) -> None:
    """It is found by name and by its own ARN in its region, and says where its primary is."""
    here = replicated.describe_secret(**ME, secret_id=NAME)
    there = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    assert there.arn == here.arn.replace(REGION, THERE)
    assert replicated.describe_secret(**_at(THERE), secret_id=there.arn) == there
    assert here.primary_region == there.primary_region == REGION
    assert here.replication == there.replication
    [replica] = here.replication
    assert (replica.region, replica.status) == (THERE, ReplicaStatus.IN_SYNC)
    assert replica.message == "Replication succeeded"


def test_a_replica_follows_in_the_same_transaction(
    replicated: SecretsManager, store: Store
) -> None:
    """Values, labels, tags, description and policy are there as soon as they are here, and so lists find them."""
    replicated.put_secret_value(
        **ME, secret_id=NAME, value=value("second"), client_request_token=token(2)
    )
    replicated.update_secret(**ME, secret_id=NAME, description="another shop")
    replicated.tag_resource(**ME, secret_id=NAME, tags={"stage": "live"})
    replicated.untag_resource(**ME, secret_id=NAME, tag_keys=["team"])
    replicated.put_resource_policy(**ME, secret_id=NAME, resource_policy=POLICY)
    here = replicated.describe_secret(**ME, secret_id=NAME)
    there = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    for what in ("description", "tags", "versions", "rotation", "changed_at", "deleted_at"):
        assert getattr(there, what) == getattr(here, what), what
    assert _text(replicated, THERE) == "second"
    assert _text(replicated, THERE, version_stage="AWSPREVIOUS") == "first"
    assert _text(replicated, THERE, version_id=token(1)) == "first"
    [batched] = replicated.batch_get_secret_value(**_at(THERE), secret_ids=[NAME]).values
    assert batched.value == value("second")
    policy = replicated.get_resource_policy(**_at(THERE), secret_id=NAME)
    assert policy.policy == POLICY
    versions = replicated.list_secret_version_ids(**_at(THERE), secret_id=NAME).versions
    assert [version.version_id for version in versions] == [token(1), token(2)]
    [listed] = replicated.list_secrets(**_at(THERE)).secrets
    assert listed.description == "another shop"
    assert _unaltered(store)


REFUSED: dict[str, Callable[[SecretsManager], object]] = {
    "PutSecretValue": lambda m: m.put_secret_value(
        **_at(THERE), secret_id=NAME, value=value("mine")
    ),
    "UpdateSecret": lambda m: m.update_secret(**_at(THERE), secret_id=NAME, description="mine"),
    "TagResource": lambda m: m.tag_resource(**_at(THERE), secret_id=NAME, tags={"a": "b"}),
    "UntagResource": lambda m: m.untag_resource(**_at(THERE), secret_id=NAME, tag_keys=["a"]),
    "DeleteSecret": lambda m: m.delete_secret(**_at(THERE), secret_id=NAME),
    "forced": lambda m: m.delete_secret(**_at(THERE), secret_id=NAME, force_without_recovery=True),
    "RestoreSecret": lambda m: m.restore_secret(**_at(THERE), secret_id=NAME),
    "PutResourcePolicy": lambda m: m.put_resource_policy(
        **_at(THERE), secret_id=NAME, resource_policy=POLICY
    ),
    "CancelRotateSecret": lambda m: m.cancel_rotation(**_at(THERE), secret_id=NAME),
    "UpdateSecretVersionStage": lambda m: m.update_secret_version_stage(
        **_at(THERE), secret_id=NAME, version_stage="X", move_to_version_id=token(1)
    ),
    "ReplicateSecretToRegions": lambda m: m.replicate_secret_to_regions(
        **_at(THERE), secret_id=NAME, add_replica_regions=[ReplicaRegion(region=FURTHER)]
    ),
    "RemoveRegionsFromReplication": lambda m: m.remove_regions_from_replication(
        **_at(THERE), secret_id=NAME, remove_replica_regions=[FURTHER]
    ),
    "an export": lambda m: m.export_secret(**_at(THERE), secret_id=NAME),
}


def test_a_replica_is_read_only(replicated: SecretsManager, store: Store) -> None:
    """Whatever would change it is refused in the real service's words, and changes nothing."""
    before = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    for operation, call in REFUSED.items():
        with pytest.raises(InvalidParameter) as refused:
            call(replicated)
        assert str(refused.value) == REPLICA_REFUSED, operation
    assert replicated.describe_secret(**_at(THERE), secret_id=NAME) == before
    assert _unaltered(store)


def test_a_replica_obeys_the_primarys_barrier(replicated: SecretsManager, store: Store) -> None:
    """A read in the other region waits while the primary's target changes, and goes on as the barrier falls."""
    with store.write() as tx:
        raised = {"barrier_raised_at": tx.now, "barrier_until": tx.now + timedelta(seconds=3)}
        secrets.update(tx, row_id(tx, NAME), **raised)
    waited = []

    def lower(seconds: float) -> None:
        waited.append(seconds)
        with store.write() as tx:
            none = {"barrier_raised_at": None, "barrier_until": None}
            secrets.update(tx, row_id(tx, NAME), **none)

    found = replicated.get_secret_value(**_at(THERE), secret_id=NAME, sleep=lower)
    assert found.value == value("first")
    assert len(waited) == 1


def test_reading_a_replica_is_its_own_access(replicated: SecretsManager) -> None:
    """LastAccessedDate is the replica's, here in the status of the replication and there in its description."""
    _text(replicated, THERE)
    here = replicated.describe_secret(**ME, secret_id=NAME)
    assert here.accessed_on is None
    assert here.replication[0].accessed_on is not None
    there = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    assert there.accessed_on == here.replication[0].accessed_on


def test_a_primary_with_replicas_stays(replicated: SecretsManager) -> None:
    """It can't be deleted, forced or not, until its replicas are removed."""
    for forced in (False, True):
        with pytest.raises(InvalidParameter) as refused:
            replicated.delete_secret(**ME, secret_id=NAME, force_without_recovery=forced)
        said = f"You can't delete secret {NAME} that still has replica regions [{THERE}]."
        assert str(refused.value) == said
    replicated.remove_regions_from_replication(
        **ME, secret_id=NAME, remove_replica_regions=[THERE, FURTHER]
    )
    with pytest.raises(ResourceNotFound):
        replicated.describe_secret(**_at(THERE), secret_id=NAME)
    here = replicated.describe_secret(**ME, secret_id=NAME)
    assert (here.primary_region, here.replication) == (None, ())
    replicated.delete_secret(**ME, secret_id=NAME)


def test_where_the_name_is_in_use_the_replica_is_failed(
    replicated: SecretsManager, store: Store
) -> None:
    """The status says why; asked again with overwriting, the other secret is replaced."""
    replicated.create_secret(**_at(FURTHER), name=NAME, value=value("another"))
    wanted = [ReplicaRegion(region=FURTHER)]
    done = replicated.replicate_secret_to_regions(**ME, secret_id=NAME, add_replica_regions=wanted)
    statuses = {one.region: (one.status, one.message) for one in done.regions}
    exists = f"Replication failed: Secret name {NAME} already exists in region {FURTHER}."
    assert statuses[FURTHER] == (ReplicaStatus.FAILED, exists)
    assert statuses[THERE][0] is ReplicaStatus.IN_SYNC
    assert _text(replicated, FURTHER) == "another"
    replicated.replicate_secret_to_regions(
        **ME, secret_id=NAME, add_replica_regions=wanted, force_overwrite=True
    )
    assert _text(replicated, FURTHER) == "first"
    assert _unaltered(store)


def test_what_is_replicated_itself_is_not_overwritten(replicated: SecretsManager) -> None:
    """A replica's place, and a primary's, is not taken by another secret of the name."""
    replicated.create_secret(
        **_at(FURTHER),
        name=NAME,
        value=value("another"),
        add_replica_regions=[ReplicaRegion(region=THERE), ReplicaRegion(region=REGION)],
        force_overwrite=True,
    )
    statuses = replicated.describe_secret(**_at(FURTHER), secret_id=NAME).replication
    assert {one.status for one in statuses} == {ReplicaStatus.FAILED}
    assert {_text(replicated, THERE), _text(replicated, REGION)} == {"first"}
    with pytest.raises(ResourceExists):
        replicated.create_secret(**_at(THERE), name=NAME, value=value("third"))


def test_a_region_that_is_not_served_is_refused(replicated: SecretsManager) -> None:
    """So is the secret's own, and nothing is stored."""
    for region in (REGION, "eu-west-9"):
        with pytest.raises(InvalidParameter, match="Invalid replica region"):
            replicated.replicate_secret_to_regions(
                **ME, secret_id=NAME, add_replica_regions=[ReplicaRegion(region=region)]
            )
        with pytest.raises(InvalidParameter, match="Invalid replica region"):
            replicated.create_secret(
                **ME, name="new", add_replica_regions=[ReplicaRegion(region=region)]
            )
    with pytest.raises(ResourceNotFound):
        replicated.describe_secret(**ME, secret_id="new")


def test_a_promoted_replica_is_a_secret_of_its_own(
    replicated: SecretsManager, store: Store
) -> None:
    """It keeps versions, labels and creation times, and neither of both follows the other any more."""
    replicated.put_secret_value(
        **ME, secret_id=NAME, value=value("second"), client_request_token=token(2)
    )
    replicated.put_secret_value(
        **ME, secret_id=NAME, value=value("next"), version_stages=["AWSPENDING"]
    )
    before = replicated.list_secret_version_ids(**ME, secret_id=NAME, include_deprecated=True)
    arn = replicated.describe_secret(**_at(THERE), secret_id=NAME).arn
    assert replicated.stop_replication_to_replica(**_at(THERE), secret_id=NAME).arn == arn
    assert _unaltered(store)
    replicated.put_secret_value(**_at(THERE), secret_id=NAME, value=value("mine"))
    assert _text(replicated, THERE) == "mine"
    assert _text(replicated, THERE, version_stage="AWSPREVIOUS") == "second"
    assert _text(replicated, THERE, version_id=token(1)) == "first"
    assert _text(replicated, REGION) == "second"
    with pytest.raises(ResourceNotFound):
        _text(replicated, THERE, version_stage="AWSPENDING")
    kept = replicated.list_secret_version_ids(
        **_at(THERE), secret_id=NAME, include_deprecated=True
    ).versions
    assert [(one.version_id, one.created_at) for one in kept[:3]] == [
        (one.version_id, one.created_at) for one in before.versions
    ]
    for region in (REGION, THERE):
        described = replicated.describe_secret(**_at(region), secret_id=NAME)
        assert (described.primary_region, described.replication) == (None, ())
        replicated.delete_secret(**_at(region), secret_id=NAME)
    assert _unaltered(store)


def test_what_is_no_replica_is_not_promoted(replicated: SecretsManager) -> None:
    """The primary, and a secret without replicas, are refused with where to call it."""
    with pytest.raises(InvalidParameter, match="is no replica"):
        replicated.stop_replication_to_replica(**ME, secret_id=NAME)


def test_a_replicas_key_counts_where_it_is_read(replicated: SecretsManager, store: Store) -> None:
    """One that doesn't exist fails the replication; one that is gone later closes the replica, not the primary."""
    wanted = [ReplicaRegion(region=FURTHER, kms_key_id="alias/none")]
    done = replicated.replicate_secret_to_regions(**ME, secret_id=NAME, add_replica_regions=wanted)
    failed = next(one for one in done.regions if one.region == FURTHER)
    assert failed.status is ReplicaStatus.FAILED
    assert "alias/none" in failed.message
    with store.write() as tx:
        there = secrets.find(tx, account=ACCOUNT, region=THERE, secret_id=NAME)
        secrets.update(tx, there.id, kms_key_id="alias/gone")
    with pytest.raises(KeyUnavailable):
        _text(replicated, THERE)
    assert _text(replicated, REGION) == "first"


def test_a_replica_may_have_another_key(replicated: SecretsManager, store: Store) -> None:
    """UpdateSecret in its region changes its key and nothing else; the primary tells of it and keeps its own."""
    replicated.create_key(**ME, alias="alias/there")
    wanted: dict[str, Any] = {"secret_id": NAME, "kms_key_id": "alias/there"}
    with pytest.raises(InvalidParameter, match="replica"):
        replicated.update_secret(**_at(THERE), **wanted, description="mine")
    with pytest.raises(InvalidParameter, match="replica"):
        replicated.update_secret(**_at(THERE), **wanted, value=value("mine"))
    with pytest.raises(InvalidParameter, match="alias/none"):
        replicated.update_secret(**_at(THERE), secret_id=NAME, kms_key_id="alias/none")
    changed = replicated.update_secret(**_at(THERE), **wanted)
    assert (changed.name, changed.version_id) == (NAME, None)
    here = replicated.describe_secret(**ME, secret_id=NAME)
    there = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    assert (here.kms_key_id, there.kms_key_id) == (None, "alias/there")
    assert [one.kms_key_id for one in here.replication] == ["alias/there"]
    assert _text(replicated, THERE) == "first"
    replicated.update_secret(**_at(THERE), secret_id=NAME, kms_key_id="")
    assert replicated.describe_secret(**_at(THERE), secret_id=NAME).kms_key_id is None
    assert _unaltered(store)


def test_lists_know_where_a_replicas_primary_is(replicated: SecretsManager) -> None:
    """The filter primary-region finds a replica by its primary's region, and any other secret by its own."""
    replicated.create_secret(**_at(THERE), name="alone", value=value("v"))

    def listed(text: str) -> set[str]:
        where = SecretFilter(filters=(Filter(FilterKey.PRIMARY_REGION, (text,)),))
        return {one.name for one in replicated.list_secrets(**_at(THERE), where=where).secrets}

    assert listed(REGION) == {NAME}
    assert listed(THERE) == {"alone"}
    assert listed(f"!{REGION}") == {"alone"}
    assert listed("") == {NAME, "alone"}
    assert listed(FURTHER) == set()


def test_a_replica_that_follows_nothing_is_not_read(
    replicated: SecretsManager, store: Store
) -> None:
    """A row that was altered to follow another secret of the name gives out nothing of that."""
    replicated.create_secret(**_at(FURTHER), name=NAME, value=value("another"))
    for primary in (FURTHER, THERE, "nowhere-1"):
        with store.write() as tx:
            there = secrets.find(tx, account=ACCOUNT, region=THERE, secret_id=NAME)
            secrets.update(tx, there.id, primary_region=primary)
        with pytest.raises(RowAltered):
            _text(replicated, THERE)
        with pytest.raises(RowAltered):
            replicated.describe_secret(**_at(THERE), secret_id=NAME)
        assert not _unaltered(store)


def test_a_rotation_of_the_primary_reaches_the_replica(
    replicated: SecretsManager, house: House
) -> None:
    """What the engine makes current is current there in the same transaction; the replica itself doesn't rotate."""
    house.pin(NAME, "generic-password", value("first"))
    with pytest.raises(InvalidParameter, match="replica"):
        house.engine().rotate(NAME, **_at(THERE))
    assert house.rotate(NAME).status is Status.SUCCEEDED
    here = replicated.describe_secret(**ME, secret_id=NAME)
    there = replicated.describe_secret(**_at(THERE), secret_id=NAME)
    assert _text(replicated, THERE) == _text(replicated, REGION) != "first"
    assert (there.rotation, there.changed_at) == (here.rotation, here.changed_at)
    assert _unaltered(house.store)


def test_an_altered_list_of_replicas_keeps_no_primary_from_rotating(
    replicated: SecretsManager, house: House
) -> None:
    """What is no replica is passed over, and a verification tells of it."""
    house.pin(NAME, "generic-password", value("first"))
    for altered in ({"x": 1}, {"nowhere-1": ReplicaRegion(region="nowhere-1").row()}):
        with house.store.write() as tx:
            secrets.update(tx, row_id(tx, NAME), replicas=altered)
        assert house.rotate(NAME).status is Status.SUCCEEDED
        replicated.describe_secret(**ME, secret_id=NAME)
        assert not _unaltered(house.store)
