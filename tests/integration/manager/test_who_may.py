"""What principals may, decided by the manager on the rows of the same transaction."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from rotator.crypto.envelope import Sealer
from rotator.errors import (
    AccessDenied,
    InvalidRequest,
    MarkedForDeletion,
    ResourceNotFound,
    RowAltered,
    UnrecognizedClient,
)
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.model.caller import Caller
from rotator.model.replication import ReplicaRegion
from rotator.sdk.rotation import Authority
from rotator.store import tables
from rotator.store.audit_search import AuditFilter, AuditRecord
from rotator.store.store import Store
from tests.support.manager import ACCOUNT, ALICE, ME, REGION, value
from tests.support.principals import asks, document, principal, statement

OTHER = "999999999999"
READ = "secretsmanager:GetSecretValue"
ABROAD, FURTHER = "us-east-1", "ap-south-1"
RULES = RotationRules(automatically_after_days=30)
PROD = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/*"


_numbers = itertools.count()


@pytest.fixture
def store_engine() -> str:
    """What is decided is the same on the other engine, whose rows `test_principals` looks at."""
    return "sqlite"


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager that serves three regions."""
    return SecretsManager(store, sealer, regions={REGION, ABROAD, FURTHER})


@pytest.fixture
def secret(manager: SecretsManager) -> str:
    """A secret's ARN."""
    return manager.create_secret(**ME, name="prod/db", value=value("v1"), tags={"team": "blue"}).arn


def read(manager: SecretsManager, caller: Caller, secret_id: str, **given: Any) -> str | None:
    found = manager.get_secret_value(**asks(caller), secret_id=secret_id, **given)
    return found.value.string


def refused(look: Callable[[], object]) -> str:
    """The message of a refusal."""
    with pytest.raises(AccessDenied) as error:
        look()
    return str(error.value)


def share(
    manager: SecretsManager, arn: str, who: str, effect: str = "Allow", **members: Any
) -> None:
    """Puts a resource policy on a secret."""
    said = {"Effect": effect, "Principal": {"AWS": who}, "Action": READ, "Resource": "*", **members}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [said]})
    manager.put_resource_policy(**ME, secret_id=arn, resource_policy=policy)


def records(store: Store, **where: Any) -> list[AuditRecord]:
    return list(Auditing(store).export(**ME, where=AuditFilter(**where)))


def test_a_principal_may_what_a_policy_says(manager: SecretsManager, secret: str) -> None:
    """By name and by ARN, and nothing else; the refusals are the real service's."""
    alice = principal(manager, "alice", statement(Action=READ, Resource=PROD))

    assert read(manager, alice, "prod/db") == "v1"
    assert read(manager, alice, secret) == "v1"
    said = refused(lambda: manager.describe_secret(**asks(alice), secret_id="prod/db"))
    assert said == (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: secretsmanager:DescribeSecret on "
        "resource: prod/db because no identity-based policy allows the secretsmanager:DescribeSecret action"
    )


def test_an_explicit_deny_wins(manager: SecretsManager, secret: str) -> None:
    """On either side, in the real service's words; a group's policy counts like one's own."""
    alice = principal(manager, "alice", statement())
    share(manager, secret, alice.arn or "", "Deny")
    assert refused(lambda: read(manager, alice, secret)).endswith(
        "with an explicit deny in a resource-based policy"
    )
    manager.delete_resource_policy(**ME, secret_id=secret)
    assert read(manager, alice, secret) == "v1"
    manager.create_principal(
        **ME, principal="kept-out", group=True, policies={"no": document(statement("Deny"))}
    )
    manager.set_group_membership(**ME, principal="alice", group="kept-out", member=True)

    assert refused(lambda: read(manager, alice, secret)).endswith(
        "with an explicit deny in an identity-based policy"
    )


def test_who_may_not_learns_nothing_of_what_there_is(manager: SecretsManager, secret: str) -> None:
    """What is there, what isn't, and what is marked for deletion are refused in the same words."""
    nobody = principal(manager, "nobody")
    tagged = principal(
        manager,
        "tagged",
        statement(Condition={"StringEquals": {"secretsmanager:ResourceTag/team": "red"}}),
    )
    manager.create_secret(**ME, name="prod/gone", value=value("v"))
    manager.delete_secret(**ME, secret_id="prod/gone")
    for caller in (nobody, tagged):
        by_name = {_of(manager, caller, name) for name in ("prod/db", "prod/none", "prod/gone")}
        assert len(by_name) == 1
        by_arn = {
            _of(manager, caller, arn)
            for arn in (secret, f"{secret[:-6]}AbCdEf", "arn:aws:s3:::bucket")
        }
        assert len(by_arn) == 1


def _of(manager: SecretsManager, caller: Caller, named: str) -> str:
    """A refusal without the name that was asked for."""
    return refused(lambda: read(manager, caller, named)).replace(named, "IT")


@pytest.mark.usefixtures("secret")
def test_who_may_is_told_what_is_missing(manager: SecretsManager) -> None:
    """A name that a policy allows and that isn't there is not found."""
    alice = principal(manager, "alice", statement(Resource=PROD))

    with pytest.raises(ResourceNotFound):
        read(manager, alice, "prod/none")
    refused(lambda: read(manager, alice, "test/none"))


@pytest.mark.parametrize(
    ("mine", "theirs", "why"),
    [
        (False, None, "no identity-based policy"),
        (True, None, "no resource-based policy"),
        (False, OTHER, "no identity-based policy"),
        (True, ACCOUNT, "no resource-based policy"),
        (True, OTHER, None),
        (True, "*", None),
    ],
)
def test_across_accounts_it_takes_both(
    manager: SecretsManager, secret: str, mine: bool, theirs: str | None, why: str | None
) -> None:
    """A policy of the principal's own, and one on the secret; a name is looked for at home alone."""
    mallory = principal(manager, "mallory", *([statement()] if mine else []), account=OTHER)
    if theirs is not None:
        share(manager, secret, theirs, Action="secretsmanager:DescribeSecret")

    def describe() -> object:
        return manager.describe_secret(**asks(mallory), secret_id=secret)

    if why is None:
        describe()
    else:
        assert why in refused(describe)
    with pytest.raises(ResourceNotFound if mine else AccessDenied):
        manager.describe_secret(**asks(mallory), secret_id="prod/db")


def test_the_default_key_keeps_values_in_their_account(
    manager: SecretsManager, secret: str
) -> None:
    """As on the real service; with a key of its own the secret can be read from another account."""
    mallory = principal(manager, "mallory", statement(), account=OTHER)
    share(manager, secret, OTHER)
    with pytest.raises(InvalidRequest) as error:
        read(manager, mallory, secret)
    assert str(error.value) == (
        "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service "
        "key."
    )
    manager.create_key(**ME, alias="alias/shared")
    manager.update_secret(**ME, secret_id=secret, kms_key_id="alias/shared")

    assert read(manager, mallory, secret) == "v1"


def test_a_region_is_a_place_of_its_own(manager: SecretsManager, secret: str) -> None:
    """Whoever may everything in one region asks another one's secret in vain, by whatever name."""
    abroad = principal(manager, "alice", statement(), region="us-east-1")

    refused(lambda: read(manager, abroad, secret))
    refused(lambda: read(manager, abroad, secret[:-6] + "AbCdEf"))
    with pytest.raises(ResourceNotFound):
        read(manager, abroad, "prod/db")
    assert manager.list_secrets(**asks(abroad)).secrets == ()


def test_what_changes_between_door_and_transaction_counts(
    manager: SecretsManager, secret: str
) -> None:
    """A caller that was let in is nobody once its key or principal is disabled, deleted, or made anew."""
    alice = principal(manager, "alice", statement())
    key = alice.context.access_key_id or ""
    assert read(manager, alice, secret) == "v1"
    manager.set_access_key_status(**ME, access_key_id=key, disabled=True)
    with pytest.raises(UnrecognizedClient):
        read(manager, alice, secret)
    manager.set_access_key_status(**ME, access_key_id=key, disabled=False)
    manager.set_principal_status(**ME, principal="alice", disabled=True)
    with pytest.raises(UnrecognizedClient):
        manager.list_secrets(**asks(alice))
    manager.delete_principal(**ME, principal="alice")
    again = principal(manager, "alice", statement())
    with pytest.raises(UnrecognizedClient):
        read(manager, alice, secret)

    assert read(manager, again, secret) == "v1"
    with pytest.raises(UnrecognizedClient):
        read(manager, replace(again, context=alice.context), secret)


def test_altered_rows_give_no_rights(manager: SecretsManager, store: Store, secret: str) -> None:
    """Whoever writes a policy into the database keeps everyone out, and gets no one in."""
    alice = principal(manager, "alice", statement(Action=READ))
    with store.write() as tx:
        everything = {"own": document(statement())}
        tx.connection.execute(update(tables.principals).values(policies=everything))
        tx.memory.identities = None

    with pytest.raises(RowAltered):
        manager.describe_secret(**asks(alice), secret_id=secret)
    assert manager.get_secret_value(**ME, secret_id=secret).value.string == "v1"


@pytest.mark.parametrize(
    ("condition", "given", "allowed"),
    [
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}, {}, True),
        (
            {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}},
            {"version_stage": "AWSPREVIOUS"},
            False,
        ),
        ({"StringLike": {"secretsmanager:SecretId": PROD}}, {}, True),
        ({"StringNotLike": {"secretsmanager:SecretId": PROD}}, {}, False),
        ({"StringEquals": {"secretsmanager:SecretId": "prod/db"}}, {}, True),
        ({"StringEquals": {"secretsmanager:ResourceTag/team": "blue"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/TEAM": "blue"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "red"}}, {}, False),
        ({"Null": {"aws:ResourceTag/owner": "true"}}, {}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}, True),
        ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, False),
        ({"StringLike": {"aws:UserAgent": "aws-cli/*"}}, {}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}, False),
        ({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}, {}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/al*"}}, {}, True),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, {}, True),
        ({"StringEquals": {"aws:username": "alice"}}, {}, True),
        ({"StringLike": {"aws:userid": "AIDA*"}}, {}, True),
        ({"StringEquals": {"aws:RequestedRegion": REGION}}, {}, True),
        ({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}, {}, True),
        ({"Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, {}, True),
        ({"Null": {"aws:PrincipalTag/team": "false"}}, {}, False),
        ({"Null": {"secretsmanager:SecretPrimaryRegion": "true"}}, {}, True),
        ({"Null": {"secretsmanager:resource/AllowRotationLambdaArn": "true"}}, {}, True),
    ],
)
def test_conditions_on_a_read(
    manager: SecretsManager, condition: dict[str, Any], given: dict[str, Any], allowed: bool
) -> None:
    """What each key says of a request by name."""
    manager.create_secret(**ME, name="prod/db", value=value("v1"), tags={"team": "blue"})
    manager.put_secret_value(**ME, secret_id="prod/db", value=value("v2"))
    alice = principal(
        manager,
        "alice",
        statement(Action=READ, Condition=condition),
        source_ip="192.0.2.7",
        secure_transport=True,
        user_agent="aws-cli/2.0",
    )

    if allowed:
        assert read(manager, alice, "prod/db", **given) is not None
    else:
        refused(lambda: read(manager, alice, "prod/db", **given))


def test_conditions_on_what_else_a_call_brings(manager: SecretsManager, secret: str) -> None:
    """Each is allowed with one value and refused with another."""
    cases: list[tuple[str, str, Any, Callable[[Caller, Any], object], Any]] = [
        (
            "CreateSecret",
            "secretsmanager:Name",
            "new",
            lambda who, name: manager.create_secret(**asks(who), name=name),
            "other",
        ),
        (
            "CreateSecret",
            "secretsmanager:Description",
            "mine",
            lambda who, text: manager.create_secret(**asks(who), name="new-2", description=text),
            "yours",
        ),
        (
            "DeleteSecret",
            "secretsmanager:RecoveryWindowInDays",
            30,
            lambda who, days: manager.delete_secret(
                **asks(who), secret_id=_fresh(manager), recovery_window_in_days=days
            ),
            7,
        ),
        (
            "DeleteSecret",
            "secretsmanager:ForceDeleteWithoutRecovery",
            False,
            lambda who, force: manager.delete_secret(
                **asks(who), secret_id=_fresh(manager), force_without_recovery=force
            ),
            True,
        ),
        (
            "RotateSecret",
            "secretsmanager:RotationLambdaARN",
            "generic-password",
            lambda who, name: _rotate(manager, who, rotator=name),
            "generic-rsa",
        ),
        (
            "RotateSecret",
            "secretsmanager:ModifyRotationRules",
            False,
            lambda who, other: _rotate(manager, who, rules=RULES if other else None),
            True,
        ),
        (
            "RotateSecret",
            "secretsmanager:RotateImmediately",
            False,
            lambda who, at_once: _rotate(manager, who, immediately=at_once),
            True,
        ),
        (
            "CancelRotateSecret",
            "secretsmanager:resource/AllowRotationLambdaArn",
            "generic-password",
            lambda who, rotator: manager.cancel_rotation(
                **asks(who), secret_id=_rotating(manager, rotator)
            ),
            "generic-rsa",
        ),
        (
            "ReplicateSecretToRegions",
            "secretsmanager:AddReplicaRegions",
            ABROAD,
            lambda who, region: _replicate(manager, who, region),
            FURTHER,
        ),
        (
            "*",
            "secretsmanager:AddReplicaRegions",
            ABROAD,
            lambda who, region: manager.create_secret(
                **asks(who),
                name=f"born-{next(_numbers)}",
                add_replica_regions=[ReplicaRegion(region=region)],
            ),
            FURTHER,
        ),
        (
            "ReplicateSecretToRegions",
            "secretsmanager:ForceOverwriteReplicaSecret",
            False,
            lambda who, force: _replicate(manager, who, ABROAD, force_overwrite=force),
            True,
        ),
        (
            "RemoveRegionsFromReplication",
            "secretsmanager:SecretPrimaryRegion",
            REGION,
            lambda who, here: manager.remove_regions_from_replication(
                **asks(who),
                secret_id=_replicate(manager, ALICE, ABROAD) if here == REGION else _fresh(manager),
                remove_replica_regions=[ABROAD],
            ),
            "nowhere",
        ),
        (
            "UpdateSecret",
            "secretsmanager:KmsKeyArn",
            _key_arn(manager, "alias/his"),
            lambda who, arn: manager.update_secret(
                **asks(who),
                secret_id=secret,
                kms_key_id="alias/his" if "key/" in arn else "alias/mine",
            ),
            "alias/mine",
        ),
        (
            "PutResourcePolicy",
            "secretsmanager:BlockPublicPolicy",
            True,
            lambda who, block: manager.put_resource_policy(
                **asks(who),
                secret_id=secret,
                resource_policy=_letting(ACCOUNT),
                block_public_policy=block,
            ),
            False,
        ),
        (
            "UpdateSecret",
            "secretsmanager:KmsKeyId",
            manager.create_key(**ME, alias="alias/mine").key_id,
            lambda who, key: manager.update_secret(**asks(who), secret_id=secret, kms_key_id=key),
            manager.create_key(**ME, alias="alias/yours").key_id,
        ),
        (
            "UpdateSecretVersionStage",
            "secretsmanager:VersionStage",
            "blue",
            lambda who, stage: manager.update_secret_version_stage(
                **asks(who),
                secret_id=secret,
                version_stage=stage,
                move_to_version_id=_current(manager, secret),
            ),
            "green",
        ),
    ]
    for number, (action, key, good, act, bad) in enumerate(cases):
        operator = (
            "Bool"
            if isinstance(good, bool)
            else "NumericEquals"
            if isinstance(good, int)
            else "StringEquals"
        )
        who = principal(
            manager,
            f"p{number}",
            statement(Action=f"secretsmanager:{action}", Condition={operator: {key: good}}),
        )
        refused(partial(act, who, bad))
        act(who, good)


def _rotate(manager: SecretsManager, who: Caller, **given: Any) -> None:
    """RotateSecret as the API makes it of a secret that rotates already: a look, and then the change."""
    given = {"secret_id": _rotating(manager, "generic-password"), **given}
    manager.rotation_before(**asks(who), **given)
    manager.set_rotation(**asks(who), **given)


def _rotating(manager: SecretsManager, rotator: str) -> str:
    arn = _fresh(manager)
    manager.set_rotation(**ME, secret_id=arn, rotator=rotator)
    return arn


def _replicate(manager: SecretsManager, who: Caller, region: str, **given: Any) -> str:
    arn = _fresh(manager)
    manager.replicate_secret_to_regions(
        **asks(who), secret_id=arn, add_replica_regions=[ReplicaRegion(region=region)], **given
    )
    return arn


def _key_arn(manager: SecretsManager, alias: str) -> str:
    key = manager.create_key(**ME, alias=alias)
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key.key_id}"


def _fresh(manager: SecretsManager) -> str:
    return manager.create_secret(**ME, name=f"fresh-{next(_numbers)}").arn


def _current(manager: SecretsManager, secret: str) -> str:
    found = manager.get_secret_value(**ME, secret_id=secret)
    return found.version_id


def _letting(account: str) -> str:
    said = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": READ,
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [said]})


def test_to_validate_a_policy_takes_the_right_to_put_it(
    manager: SecretsManager, secret: str
) -> None:
    """As on the real service, for a secret and for none."""
    one = principal(manager, "one", statement(Action="secretsmanager:ValidateResourcePolicy"))
    both = principal(manager, "both", statement(Action="secretsmanager:*ResourcePolicy"))
    for named in (secret, None):
        given: dict[str, Any] = {"resource_policy": _letting(OTHER), "secret_id": named}
        said = refused(partial(manager.validate_resource_policy, **asks(one), **given))
        assert "secretsmanager:PutResourcePolicy" in said
        assert manager.validate_resource_policy(**asks(both), **given).passed


def test_a_batch_reads_what_is_current(manager: SecretsManager, secret: str) -> None:
    """Who may read AWSCURRENT alone may read it in a batch too."""
    conditions = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    alice = principal(
        manager,
        "alice",
        statement(Action="secretsmanager:BatchGetSecretValue"),
        statement(Action=READ, Condition=conditions),
    )
    found = manager.batch_get_secret_value(**asks(alice), secret_ids=[secret])
    assert [one.arn for one in found.values] == [secret]


def test_tags_of_the_same_call_are_no_tags_of_the_secret(
    manager: SecretsManager, secret: str
) -> None:
    """Who may what a tag says can't give the secret that tag, and who may give tags only gives those allowed."""
    by_tag = principal(
        manager,
        "by-tag",
        statement(Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),
    )
    refused(lambda: manager.tag_resource(**asks(by_tag), secret_id=secret, tags={"team": "red"}))
    refused(lambda: manager.create_secret(**asks(by_tag), name="prod/new", tags={"team": "red"}))
    gives = principal(
        manager,
        "gives",
        statement(
            Action=["secretsmanager:TagResource", "secretsmanager:UntagResource"],
            Condition={
                "StringEqualsIfExists": {"aws:RequestTag/team": "blue"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "note"]},
            },
        ),
    )
    manager.tag_resource(**asks(gives), secret_id=secret, tags={"team": "blue", "note": "x"})
    refused(lambda: manager.tag_resource(**asks(gives), secret_id=secret, tags={"team": "red"}))
    refused(lambda: manager.untag_resource(**asks(gives), secret_id=secret, tag_keys=["owner"]))


def test_to_make_a_secret_with_tags_takes_both_rights(manager: SecretsManager) -> None:
    """As on the real service: tags may be what other policies go by."""
    makes = principal(
        manager, "makes", statement(Action="secretsmanager:CreateSecret", Resource=PROD)
    )

    made = manager.create_secret(**asks(makes), name="prod/one", value=value("v"))
    assert made.name == "prod/one"
    assert "TagResource" in refused(
        lambda: manager.create_secret(**asks(makes), name="prod/two", tags={"team": "red"})
    )
    refused(lambda: manager.create_secret(**asks(makes), name="test/one"))


def test_who_may_put_policies_alone_gives_himself_no_more_by_his_account(
    manager: SecretsManager, secret: str
) -> None:
    """To name the account gives nothing; to name oneself does, which is what PutResourcePolicy means on AWS too, and
    what an explicit deny or a condition keeps from happening.
    """
    puts = principal(manager, "puts", statement(Action="secretsmanager:PutResourcePolicy"))
    manager.put_resource_policy(**asks(puts), secret_id=secret, resource_policy=_letting(ACCOUNT))
    refused(lambda: read(manager, puts, secret))
    refused(lambda: manager.delete_secret(**asks(puts), secret_id=secret))
    guarded = principal(
        manager,
        "guarded",
        statement(Action="secretsmanager:PutResourcePolicy"),
        statement("Deny", Action=READ),
    )
    named = _letting(ACCOUNT).replace(f'"{ACCOUNT}"', f'"{guarded.arn}"')
    manager.put_resource_policy(**asks(guarded), secret_id=secret, resource_policy=named)
    refused(lambda: read(manager, guarded, secret))


def test_nobody_from_elsewhere_does_what_is_not_in_the_api(
    manager: SecretsManager, store: Store
) -> None:
    """Whoever may everything may still make no principals or keys, see no audit, and read no exports."""
    alice = principal(manager, "alice", statement(Action="*"))
    for look in (
        lambda: manager.create_principal(**asks(alice), principal="eve"),
        lambda: manager.create_access_key(**asks(alice), principal="alice"),
        lambda: manager.put_principal_policy(
            **asks(alice), principal="alice", policy_name="p", document=document(statement())
        ),
        lambda: manager.list_principals(**asks(alice)),
        lambda: manager.list_keys(**asks(alice)),
        lambda: manager.export_keys(**asks(alice)),
        lambda: manager.export_secrets(**asks(alice)),
        lambda: manager.create_secrets(**asks(alice), wanted=[]),
        lambda: manager.purge(**asks(alice), limit=1),
        lambda: Auditing(store).show(**asks(alice), where=AuditFilter()),
        lambda: Auditing(store).verify(**asks(alice)),
    ):
        refused(look)


def test_an_admin_secret_is_pinned_by_who_may_read_it(manager: SecretsManager) -> None:
    """Whoever may rotate one secret can't have another one's password used for it."""
    admin = manager.create_secret(**ME, name="admin", value=value("v")).arn
    app = manager.create_secret(**ME, name="app", value=value("v")).arn
    rotates = principal(
        manager, "rotates", statement(Action="secretsmanager:RotateSecret"), statement(Resource=app)
    )
    authority = Authority(host="db", port=5432, admin=admin, users=("app",))

    said = refused(
        lambda: manager.set_rotation(
            **asks(rotates), secret_id=app, rotator="postgresql-single-user", authority=authority
        )
    )
    assert f"{READ} on resource: {admin}" in said


@pytest.mark.usefixtures("secret")
def test_lists_and_batches(manager: SecretsManager) -> None:
    """A list takes the right to list; of a batch each secret is judged by itself."""
    manager.create_secret(**ME, name="test/db", value=value("t1"))
    reads = principal(
        manager,
        "reads",
        statement(Action=READ, Resource=PROD),
        statement(Action="secretsmanager:BatchGetSecretValue"),
    )
    refused(lambda: manager.list_secrets(**asks(reads)))
    found = manager.batch_get_secret_value(
        **asks(reads), secret_ids=["prod/db", "test/db", "prod/none"]
    )
    assert [each.value.string for each in found.values] == ["v1"]
    assert {each.secret_id: each.code for each in found.errors} == {
        "test/db": "AccessDeniedException",
        "prod/none": "ResourceNotFoundException",
    }
    without = principal(manager, "without", statement(Action=READ))
    refused(lambda: manager.batch_get_secret_value(**asks(without), secret_ids=["prod/db"]))
    lists = principal(manager, "lists", statement(Action="secretsmanager:ListSecrets"))
    assert len(manager.list_secrets(**asks(lists)).secrets) == 2


def test_every_call_is_on_record_with_where_it_came_from(
    manager: SecretsManager, store: Store, secret: str
) -> None:
    """Who, what, from where, allowed by which statement, or denied and why; never a value."""
    alice = principal(
        manager,
        "alice",
        statement(Sid="Prod", Action=READ, Resource=PROD),
        statement("Deny", Sid="NoTags", Action="secretsmanager:TagResource"),
        source_ip="192.0.2.7",
        user_agent="aws-cli/2.0",
    )
    read(manager, alice, secret)
    refused(lambda: manager.tag_resource(**asks(alice), secret_id=secret, tags={"a": "b"}))
    refused(lambda: manager.describe_secret(**asks(alice), secret_id=secret))

    allowed, denied, unallowed = records(store, principal="principal:alice")
    where = {
        "source_ip": "192.0.2.7",
        "access_key_id": alice.context.access_key_id,
        "user_agent": "aws-cli/2.0",
    }
    owner = f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert (allowed.event, allowed.secret_arn, allowed.outcome) == (
        "GetSecretValue",
        secret,
        "succeeded",
    )
    assert allowed.detail == {"from": where, "allowed_by": f"{owner} policy own, statement Prod"}
    assert (denied.event, denied.outcome) == ("TagResource", "denied")
    assert denied.detail == {
        "from": where,
        "error": "AccessDenied",
        "why": "explicit deny in an identity-based policy",
        "statement": f"{owner} policy own, statement NoTags",
    }
    assert (unallowed.detail or {})["why"] == "no identity-based policy allows it"


def test_reading_what_is_marked_for_deletion_stands_out(
    manager: SecretsManager, store: Store, secret: str
) -> None:
    """So that one can be told of it: somebody still needs the secret."""
    alice = principal(manager, "alice", statement())
    manager.delete_secret(**ME, secret_id=secret)

    with pytest.raises(MarkedForDeletion, match="was marked for deletion"):
        read(manager, alice, secret)

    [record] = records(store, principal="principal:alice")
    assert (record.event, record.secret_arn) == ("GetSecretValue", secret)
    assert (record.detail or {})["error"] == "MarkedForDeletion"


def test_an_error_tells_no_policy(manager: SecretsManager, secret: str) -> None:
    """Which statement denied is for the audit, not for who was denied."""
    alice = principal(
        manager, "alice", statement(), statement("Deny", Sid="Secretive", Action=READ)
    )

    assert "Secretive" not in refused(lambda: read(manager, alice, secret))


@pytest.mark.parametrize("store_engine", ["sqlite", "postgresql"])
def test_a_policy_that_was_written_into_the_database_lets_nobody_in(
    manager: SecretsManager, store: Store, secret: str
) -> None:
    """A resource policy counts only where an authentic record says that it was put; also after a prune."""
    alice = principal(manager, "alice", statement(Action="secretsmanager:ListSecrets"))
    everyone = _letting(ACCOUNT).replace(f'"{ACCOUNT}"', f'"{alice.arn}"')
    with store.write() as tx:
        tx.connection.execute(update(tables.secrets).values(resource_policy=everyone))
    with pytest.raises(RowAltered, match="is not the one that was put"):
        read(manager, alice, secret)
    manager.put_resource_policy(**ME, secret_id=secret, resource_policy=everyone)
    assert read(manager, alice, secret) == "v1"
    manager.put_resource_policy(**ME, secret_id=secret, resource_policy=_letting(OTHER))
    refused(lambda: read(manager, alice, secret))
    with store.write() as tx:
        tx.connection.execute(update(tables.secrets).values(resource_policy=everyone))
    with pytest.raises(RowAltered):
        read(manager, alice, secret)
    with store.write() as tx:
        forged = (tables.audit.c.event == "PutResourcePolicy") & tables.audit.c.revision.is_not(
            None
        )
        rows = tx.connection.execute(tables.audit.select().where(forged)).mappings().all()
        [first, last] = sorted(rows, key=lambda row: row["revision"])
        moved = update(tables.audit).where(tables.audit.c.seq == last["seq"])
        tx.connection.execute(moved.values(detail=first["detail"]))
    with pytest.raises(RowAltered):
        read(manager, alice, secret)


@pytest.mark.parametrize("store_engine", ["sqlite", "postgresql"])
def test_a_policy_outlives_the_record_of_its_putting(
    manager: SecretsManager, store: Store, secret: str
) -> None:
    """A pruning restates what it takes the records of."""
    alice = principal(manager, "alice", statement(Action="secretsmanager:ListSecrets"))
    everyone = _letting(ACCOUNT).replace(f'"{ACCOUNT}"', f'"{alice.arn}"')
    manager.put_resource_policy(**ME, secret_id=secret, resource_policy=everyone)
    Auditing(store).prune(**ME, before=datetime.now(UTC) + timedelta(hours=1))
    with store.write() as tx:
        tx.memory.policies.clear()

    assert read(manager, alice, secret) == "v1"
