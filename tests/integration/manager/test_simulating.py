"""What is said in advance of what a principal may: the same as the call itself is answered with."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.errors import AccessDenied, InvalidRequest, RowAltered
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller
from rotator.model.replication import ReplicaRegion
from rotator.store import tables
from rotator.store.store import Store
from tests.support.manager import ACCOUNT, ME, REGION, value
from tests.support.principals import asks, principal, statement

OTHER, ABROAD = "999999999999", "us-east-1"
Condition = Mapping[str, Mapping[str, str]]
_READ = "GetSecretValue"


@pytest.fixture
def store_engine() -> str:
    """It is the same on the other engine."""
    return "sqlite"


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager with a secret, which has a replica."""
    manager = SecretsManager(store, sealer, regions={REGION, ABROAD})
    regions = [ReplicaRegion(region=ABROAD)]
    manager.create_secret(**ME, name="db", value=value("v"), add_replica_regions=regions)
    return manager


def says(manager: SecretsManager, who: Caller, action: str, **given: Any) -> bool:
    found = manager.simulate_policy(
        **ME, principal=who.name, account=who.account, action=action, **{"secret_id": "db", **given}
    )
    return found.allowed


def does(call: Callable[[], object]) -> bool:
    try:
        call()
    except AccessDenied:
        return False
    return True


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}, True),
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSPENDING"}}, False),
        ({"Null": {"secretsmanager:VersionId": "true"}}, True),
        ({"StringEquals": {"secretsmanager:SecretId": "db"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": REGION}}, True),
    ],
)
def test_a_read_that_names_no_more_than_the_secret(
    manager: SecretsManager, condition: Condition, allowed: bool
) -> None:
    """Conditions find what such a call brings, AWSCURRENT for one."""
    alice = principal(manager, "alice", statement(Condition=condition))

    assert says(manager, alice, _READ) is allowed
    assert does(lambda: manager.get_secret_value(**asks(alice), secret_id="db")) is allowed


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("DeleteSecret", {"Bool": {"secretsmanager:ForceDeleteWithoutRecovery": "false"}}),
        ("PutResourcePolicy", {"Bool": {"secretsmanager:BlockPublicPolicy": "false"}}),
        ("RotateSecret", {"Bool": {"secretsmanager:RotateImmediately": "true"}}),
        ("CreateSecret", {"StringEquals": {"secretsmanager:Name": "db"}}),
    ],
)
def test_what_every_call_brings(manager: SecretsManager, action: str, condition: Condition) -> None:
    """Parameters that count as given where they are not."""
    alice = principal(manager, "alice", statement(Condition=condition))

    assert says(manager, alice, action)


def test_what_is_given_goes_before(manager: SecretsManager) -> None:
    """A read of a version by its id asks for no label."""
    current = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    alice = principal(manager, "alice", statement(Condition=current))
    given: Sequence[tuple[Mapping[str, Sequence[str]], bool]] = [
        ({"secretsmanager:VersionId": ["v1"]}, False),
        ({"secretsmanager:VersionStage": ["AWSPREVIOUS"]}, False),
        ({"aws:SourceIp": ["192.0.2.7"]}, True),
    ]
    for context, allowed in given:
        assert says(manager, alice, _READ, context=context) is allowed, context


def test_a_secret_of_another_region_is_asked_for_there(manager: SecretsManager) -> None:
    """The ARN says where the call would be made."""
    there = {"StringEquals": {"aws:RequestedRegion": ABROAD}}
    alice = principal(manager, "alice", statement(Condition=there), region=ABROAD)
    arn = manager.describe_secret(**asks(alice), secret_id="db").arn

    assert says(manager, alice, _READ, secret_id=arn)
    assert not says(manager, alice, _READ)


def _share(manager: SecretsManager) -> str:
    everyone = {"Principal": {"AWS": OTHER}, "Action": "secretsmanager:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **everyone}]}
    return manager.put_resource_policy(**ME, secret_id="db", resource_policy=json.dumps(policy)).arn


def test_no_policy_gives_another_account_what_the_default_key_seals(
    manager: SecretsManager,
) -> None:
    """The value, that is: the call is refused though policies let it through, and so it is said."""
    arn = _share(manager)
    bob = principal(manager, "bob", statement(), account=OTHER)
    with pytest.raises(InvalidRequest, match="default KMS service key") as error:
        manager.get_secret_value(**asks(bob), secret_id=arn)

    found = manager.simulate_policy(
        **ME, principal="bob", account=OTHER, action=_READ, secret_id=arn
    )

    assert (found.allowed, found.reason, found.statement) == (False, str(error.value), None)
    assert says(manager, bob, "DescribeSecret", secret_id=arn)


def test_a_resource_policy_that_was_altered_says_nothing(
    manager: SecretsManager, store: Store
) -> None:
    """It lets nobody through, so it isn't asked."""
    _share(manager)
    alice = principal(manager, "alice", statement())
    with store.write() as tx:
        tx.connection.execute(
            update(tables.secrets)
            .where(tables.secrets.c.account == ACCOUNT)
            .values(resource_policy='{"Version": "2012-10-17", "Statement": []}')
        )
    for look in (
        lambda: manager.get_secret_value(**asks(alice), secret_id="db"),
        lambda: says(manager, alice, _READ),
    ):
        with pytest.raises(RowAltered):
            look()
