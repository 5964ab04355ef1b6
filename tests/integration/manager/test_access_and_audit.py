"""Every operation asks what its caller may, and leaves a record in its own transaction."""

from collections.abc import Callable

import pytest
from sqlalchemy import Row, func, select

from rotator.errors import AccessDenied, ResourceNotFound, ValidationError
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller
from rotator.store.store import Store
from rotator.store.tables import audit, metadata
from tests.support.manager import (
    ABROAD,
    ACCOUNT,
    ME,
    POLICY,
    REGION,
    STRANGER,
    Who,
    token,
    value,
)

Operation = Callable[[SecretsManager, Who, str], object]

# In an order in which each finds what it needs.
OPERATIONS: dict[str, Operation] = {
    "DescribeSecret": lambda m, who, s: m.describe_secret(**who, secret_id=s),
    "GetSecretValue": lambda m, who, s: m.get_secret_value(**who, secret_id=s),
    "PutSecretValue": lambda m, who, s: m.put_secret_value(**who, secret_id=s, value=value("v2")),
    "ListSecretVersionIds": lambda m, who, s: m.list_secret_version_ids(**who, secret_id=s),
    "UpdateSecretVersionStage": lambda m, who, s: m.update_secret_version_stage(
        **who, secret_id=s, version_stage="blue", move_to_version_id=token(1)
    ),
    "UpdateSecret": lambda m, who, s: m.update_secret(**who, secret_id=s, value=value("v3")),
    "TagResource": lambda m, who, s: m.tag_resource(**who, secret_id=s, tags={"team": "a"}),
    "UntagResource": lambda m, who, s: m.untag_resource(**who, secret_id=s, tag_keys=["team"]),
    "PutResourcePolicy": lambda m, who, s: m.put_resource_policy(
        **who, secret_id=s, resource_policy=POLICY
    ),
    "GetResourcePolicy": lambda m, who, s: m.get_resource_policy(**who, secret_id=s),
    "ValidateResourcePolicy": lambda m, who, s: m.validate_resource_policy(
        **who, secret_id=s, resource_policy=POLICY
    ),
    "DeleteResourcePolicy": lambda m, who, s: m.delete_resource_policy(**who, secret_id=s),
    "RotateSecret": lambda m, who, s: m.set_rotation(**who, secret_id=s, rotator="generic"),
    "CancelRotateSecret": lambda m, who, s: m.cancel_rotation(**who, secret_id=s),
    "DeleteSecret": lambda m, who, s: m.delete_secret(**who, secret_id=s),
    "RestoreSecret": lambda m, who, s: m.restore_secret(**who, secret_id=s),
}


@pytest.fixture
def arn(manager: SecretsManager) -> str:
    """A secret with two versions' worth of history."""
    return manager.create_secret(
        **ME, name="db", value=value("v1"), client_request_token=token(1)
    ).arn


def last_record(store: Store) -> Row[*tuple[object, ...]]:
    with store.read() as tx:
        return tx.connection.execute(
            select(audit).order_by(audit.c.at.desc(), audit.c.seq.desc()).limit(1)
        ).one()


def counts(store: Store, *, without: str) -> dict[str, int]:
    with store.read() as tx:
        return {
            name: tx.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
            if name != without
        }


@pytest.mark.parametrize("event", OPERATIONS)
def test_every_operation_leaves_its_record(
    manager: SecretsManager, store: Store, arn: str, event: str
) -> None:
    """Who, what, on which secret, under which request id."""
    for done, operation in OPERATIONS.items():
        operation(manager, ME, "db")
        if done == event:
            break

    record = last_record(store)
    assert (record.event, record.outcome, record.secret_arn) == (event, "succeeded", arn)
    assert (record.principal, record.account, record.region) == ("local:alice", ACCOUNT, REGION)
    assert record.request_id == ME["request_id"]


def test_lists_and_creations_leave_theirs(manager: SecretsManager, store: Store, arn: str) -> None:
    """A creation names the new secret; a list names none."""
    created = last_record(store)
    manager.list_secrets(**ME)
    listed = last_record(store)

    assert (created.event, created.secret_arn, created.version_id) == (
        "CreateSecret",
        arn,
        token(1),
    )
    assert (listed.event, listed.secret_arn) == ("ListSecrets", None)


@pytest.mark.parametrize("caller", [STRANGER, ABROAD], ids=["account", "region"])
@pytest.mark.parametrize("event", OPERATIONS)
def test_nobody_acts_elsewhere(
    manager: SecretsManager, store: Store, arn: str, event: str, caller: Caller
) -> None:
    """A caller of another account or region is denied, changes nothing, and the refusal is on record."""
    before = counts(store, without="audit")

    with pytest.raises(AccessDenied) as refused:
        OPERATIONS[event](manager, {"caller": caller, "request_id": "request-9"}, arn)

    assert f"is not authorized to perform: secretsmanager:{event}" in str(refused.value)
    assert counts(store, without="audit") == before
    record = last_record(store)
    assert (record.event, record.outcome, record.secret_arn) == (event, "denied", arn)
    assert (record.principal, record.account) == (caller.principal, caller.account)


def test_a_refusal_doesnt_say_whether_the_secret_exists(manager: SecretsManager, arn: str) -> None:
    """Another account's secrets are denied alike, there or not."""
    who: Who = {"caller": STRANGER, "request_id": "request-9"}

    for secret_id in (arn, arn[:-7], arn[:-6] + "AbCdEf", arn[:-7] + "-other-AbCdEf"):
        with pytest.raises(AccessDenied):
            manager.describe_secret(**who, secret_id=secret_id)


def test_a_name_is_looked_up_at_home(manager: SecretsManager, arn: str) -> None:
    """A bare name means a secret of the caller's own account and region, so others may have the same name."""
    who: Who = {"caller": STRANGER, "request_id": "request-9"}

    with pytest.raises(ResourceNotFound):
        manager.describe_secret(**who, secret_id="db")
    theirs = manager.create_secret(**who, name="db")

    assert theirs.arn != arn
    assert [secret.arn for secret in manager.list_secrets(**who).secrets] == [theirs.arn]
    assert [secret.arn for secret in manager.list_secrets(**ME).secrets] == [arn]


def test_a_failed_write_leaves_no_success_on_record(
    manager: SecretsManager, store: Store, arn: str
) -> None:
    """The record goes with its transaction: what was rolled back is recorded as failed alone."""
    before = counts(store, without="audit")

    with pytest.raises(ResourceNotFound):
        manager.update_secret_version_stage(
            **ME, secret_id=arn, version_stage="blue", move_to_version_id=token(9)
        )

    assert counts(store, without="audit") == before
    record = last_record(store)
    assert (record.event, record.outcome) == ("UpdateSecretVersionStage", "failed")
    assert (record.secret_arn, record.version_id) == (arn, token(9))


def test_what_no_column_can_hold_is_recorded_readably(
    manager: SecretsManager, store: Store
) -> None:
    """A malformed identifier is on record as far as the store can hold it, also where that was why it is refused."""
    with pytest.raises(ValidationError):
        manager.describe_secret(**ME, secret_id="no\0name\ud800" + "x" * 1000)
    with pytest.raises(ValidationError):
        manager.get_secret_value(**ME, secret_id="db", version_id="\0" * 100)

    record = last_record(store)
    assert (record.event, record.version_id) == ("GetSecretValue", "\\x00" * 16)
    with store.read() as tx:
        named = tx.connection.execute(select(audit.c.secret_arn)).scalars().all()
    assert ("no\\x00name\\ud800" + "x" * 1000)[:640] in named
