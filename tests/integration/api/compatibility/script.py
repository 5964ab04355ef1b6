"""The calls that are made to both servers, in this order, each with a label."""

from typing import Any

from tests.integration.api.compatibility.recorder import Recorder
from tests.support.manager import POLICY

ABROAD = "us-east-1"
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:generic-password"
FAR = "arn:aws:secretsmanager:us-east-1:999999999999:secret:far-AbCdEf"
PUBLIC = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
    '"Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}'
)


def _token(number: int) -> str:
    return f"token-{number:026d}"


def everything(call: Recorder) -> None:
    """All of it."""
    for part in (
        _values,
        _labels,
        _lists,
        _about,
        _deletion,
        _policies,
        _rotation,
        _replicas,
        _rest,
    ):
        part(call)


def _values(call: Recorder) -> None:
    name = f"{call.prefix}/values"
    call(
        "create",
        "create_secret",
        Name=name,
        SecretString="one",
        ClientRequestToken=_token(1),
        Description="the shop",
        Tags=[{"Key": "team", "Value": "red"}],
    )
    call(
        "create: the same again",
        "create_secret",
        Name=name,
        SecretString="one",
        ClientRequestToken=_token(1),
    )
    call("create: name in use", "create_secret", Name=name, SecretString="two")
    call("create: no name", "create_secret", Name="a b", SecretString="x")
    call(
        "create: both values", "create_secret", Name=f"{name}2", SecretString="x", SecretBinary=b"x"
    )
    call("create: without a value", "create_secret", Name=f"{name}-empty")
    call("get: no value yet", "get_secret_value", SecretId=f"{name}-empty")
    call(
        "put: the first value",
        "put_secret_value",
        SecretId=f"{name}-empty",
        SecretBinary=b"\x00\xff",
    )
    call("get: bytes", "get_secret_value", SecretId=f"{name}-empty")
    call("get", "get_secret_value", SecretId=name)
    call("get: missing", "get_secret_value", SecretId=f"{name}-nowhere")
    call("get: no such label", "get_secret_value", SecretId=name, VersionStage="blue")
    call("get: no such version", "get_secret_value", SecretId=name, VersionId=_token(9))
    call("put", "put_secret_value", SecretId=name, SecretString="two", ClientRequestToken=_token(2))
    call(
        "put: the same again",
        "put_secret_value",
        SecretId=name,
        SecretString="two",
        ClientRequestToken=_token(2),
    )
    call(
        "put: token in use",
        "put_secret_value",
        SecretId=name,
        SecretString="x",
        ClientRequestToken=_token(2),
    )
    call("put: no value", "put_secret_value", SecretId=name)
    call("put: missing", "put_secret_value", SecretId=f"{name}-nowhere", SecretString="x")
    call("get: previous", "get_secret_value", SecretId=name, VersionStage="AWSPREVIOUS")
    call("get: by version", "get_secret_value", SecretId=name, VersionId=_token(1))
    call(
        "get: a pair that doesn't fit",
        "get_secret_value",
        SecretId=name,
        VersionId=_token(1),
        VersionStage="AWSCURRENT",
    )
    call("update: description", "update_secret", SecretId=name, Description="another")
    call(
        "update: value",
        "update_secret",
        SecretId=name,
        SecretString="three",
        ClientRequestToken=_token(3),
    )
    call(
        "update: bytes",
        "update_secret",
        SecretId=f"{name}-empty",
        SecretBinary=b"more",
        ClientRequestToken=_token(4),
    )
    call("update: missing", "update_secret", SecretId=f"{name}-nowhere", Description="x")
    call("update: default key", "update_secret", SecretId=name, KmsKeyId="alias/aws/secretsmanager")
    call(
        "create: default key",
        "create_secret",
        Name=f"{name}-key",
        SecretString="x",
        KmsKeyId="alias/aws/secretsmanager",
    )
    call("describe", "describe_secret", SecretId=name)
    call("describe: missing", "describe_secret", SecretId=f"{name}-nowhere")
    call("batch", "batch_get_secret_value", SecretIdList=[name, f"{name}-nowhere"])
    call("batch: neither", "batch_get_secret_value")
    call(
        "batch: both",
        "batch_get_secret_value",
        SecretIdList=[name],
        Filters=[{"Key": "name", "Values": [name]}],
    )
    call("batch: page size alone", "batch_get_secret_value", SecretIdList=[name], MaxResults=5)
    page = call(
        "batch: filter",
        "batch_get_secret_value",
        Filters=[{"Key": "name", "Values": [name]}],
        MaxResults=1,
    )
    if page.get("NextToken"):
        call(
            "batch: next page",
            "batch_get_secret_value",
            Filters=[{"Key": "name", "Values": [name]}],
            MaxResults=5,
            NextToken=page["NextToken"],
        )


def _labels(call: Recorder) -> None:
    name = f"{call.prefix}/labels"
    call(
        "labels: create",
        "create_secret",
        Name=name,
        SecretString="one",
        ClientRequestToken=_token(1),
    )
    call(
        "labels: put with labels of its own",
        "put_secret_value",
        SecretId=name,
        SecretString="two",
        ClientRequestToken=_token(2),
        VersionStages=["blue"],
    )
    call(
        "labels: put without one",
        "put_secret_value",
        SecretId=name,
        SecretString="three",
        ClientRequestToken=_token(3),
    )
    stage: dict[str, Any] = {"SecretId": name, "VersionStage": "blue"}
    call("labels: elsewhere", "update_secret_version_stage", **stage, MoveToVersionId=_token(1))
    call("labels: neither", "update_secret_version_stage", **stage)
    call(
        "labels: move",
        "update_secret_version_stage",
        **stage,
        MoveToVersionId=_token(1),
        RemoveFromVersionId=_token(2),
    )
    call("labels: take off", "update_secret_version_stage", **stage, RemoveFromVersionId=_token(1))
    current: dict[str, Any] = {"SecretId": name, "VersionStage": "AWSCURRENT"}
    call(
        "labels: current elsewhere",
        "update_secret_version_stage",
        **current,
        MoveToVersionId=_token(1),
    )
    call(
        "labels: back to the first",
        "update_secret_version_stage",
        **current,
        MoveToVersionId=_token(1),
        RemoveFromVersionId=_token(3),
    )
    call(
        "labels: no current",
        "update_secret_version_stage",
        **current,
        RemoveFromVersionId=_token(1),
    )
    call("versions", "list_secret_version_ids", SecretId=name)
    call(
        "versions: deprecated too", "list_secret_version_ids", SecretId=name, IncludeDeprecated=True
    )
    page = call("versions: a page", "list_secret_version_ids", SecretId=name, MaxResults=1)
    if page.get("NextToken"):
        call(
            "versions: next page",
            "list_secret_version_ids",
            SecretId=name,
            MaxResults=5,
            NextToken=page["NextToken"],
        )
    call("versions: missing", "list_secret_version_ids", SecretId=f"{name}-nowhere")


def _lists(call: Recorder) -> None:
    name = f"{call.prefix}/list"
    for number in range(3):
        tags = [{"Key": f"{call.prefix}-key", "Value": f"{call.prefix}-{number}"}]
        call(
            f"list: create {number}",
            "create_secret",
            Name=f"{name}-{number}",
            Description=f"Shop number {number}",
            Tags=tags,
        )
    mine = {"Key": "name", "Values": [name]}
    call("list: by name", "list_secrets", Filters=[mine])
    call(
        "list: by name, negated",
        "list_secrets",
        Filters=[mine, {"Key": "name", "Values": [f"!{name}-1"]}],
    )
    call(
        "list: by another case", "list_secrets", Filters=[{"Key": "name", "Values": [name.upper()]}]
    )
    call(
        "list: by description",
        "list_secrets",
        Filters=[mine, {"Key": "description", "Values": ["shop NUMB"]}],
    )
    call(
        "list: by tag key",
        "list_secrets",
        Filters=[{"Key": "tag-key", "Values": [f"{call.prefix}-k"]}],
    )
    call(
        "list: by tag value",
        "list_secrets",
        Filters=[{"Key": "tag-value", "Values": [f"{call.prefix}-1"]}],
    )
    call("list: by all", "list_secrets", Filters=[mine, {"Key": "all", "Values": ["number"]}])
    call(
        "list: by primary region",
        "list_secrets",
        Filters=[mine, {"Key": "primary-region", "Values": ["eu-central-1"]}],
    )
    call(
        "list: by owner",
        "list_secrets",
        Filters=[mine, {"Key": "owning-service", "Values": ["rds"]}],
    )
    call("list: by nothing", "list_secrets", Filters=[{"Key": "colour", "Values": ["red"]}])
    call("list: descending", "list_secrets", Filters=[mine], SortOrder="desc", SortBy="name")
    page = call("list: a page", "list_secrets", Filters=[mine], MaxResults=2)
    if page.get("NextToken"):
        call(
            "list: next page",
            "list_secrets",
            Filters=[mine],
            MaxResults=2,
            NextToken=page["NextToken"],
        )
    call("list: a token of none", "list_secrets", NextToken="of none")


def _about(call: Recorder) -> None:
    name = f"{call.prefix}/about"
    call("tags: create", "create_secret", Name=name, SecretString="x")
    call("tags: never", "describe_secret", SecretId=name)
    call(
        "tag",
        "tag_resource",
        SecretId=name,
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
    )
    call("tag: over another", "tag_resource", SecretId=name, Tags=[{"Key": "a", "Value": "3"}])
    call("untag", "untag_resource", SecretId=name, TagKeys=["a", "none"])
    call("tags: one", "describe_secret", SecretId=name)
    call("untag: the last", "untag_resource", SecretId=name, TagKeys=["b"])
    call("tags: none any more", "describe_secret", SecretId=name)
    call(
        "tag: missing",
        "tag_resource",
        SecretId=f"{name}-nowhere",
        Tags=[{"Key": "a", "Value": "1"}],
    )
    call("tag: reserved", "tag_resource", SecretId=name, Tags=[{"Key": "aws:a", "Value": "1"}])


def _deletion(call: Recorder) -> None:
    name = f"{call.prefix}/deleted"
    call("delete: create", "create_secret", Name=name, SecretString="x")
    call("delete: window too short", "delete_secret", SecretId=name, RecoveryWindowInDays=6)
    both: dict[str, Any] = {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}
    call("delete: window and force", "delete_secret", SecretId=name, **both)
    call("delete", "delete_secret", SecretId=name, RecoveryWindowInDays=7)
    call("delete: again", "delete_secret", SecretId=name)
    call("deleted: get", "get_secret_value", SecretId=name)
    call("deleted: put", "put_secret_value", SecretId=name, SecretString="x")
    call("deleted: update", "update_secret", SecretId=name, Description="x")
    call("deleted: tag", "tag_resource", SecretId=name, Tags=[{"Key": "a", "Value": "1"}])
    call("deleted: create", "create_secret", Name=name, SecretString="x")
    call("deleted: describe", "describe_secret", SecretId=name)
    call("deleted: list", "list_secrets", Filters=[{"Key": "name", "Values": [name]}])
    call(
        "deleted: list with it",
        "list_secrets",
        Filters=[{"Key": "name", "Values": [name]}],
        IncludePlannedDeletion=True,
    )
    call("restore", "restore_secret", SecretId=name)
    call("restore: missing", "restore_secret", SecretId=f"{name}-nowhere")
    call("delete: forced", "delete_secret", SecretId=name, ForceDeleteWithoutRecovery=True)
    call("delete: forced again", "delete_secret", SecretId=name, ForceDeleteWithoutRecovery=True)
    call("delete: missing", "delete_secret", SecretId=f"{name}-nowhere")


def _policies(call: Recorder) -> None:
    name = f"{call.prefix}/policy"
    call("policy: create", "create_secret", Name=name, SecretString="x")
    call("policy: none", "get_resource_policy", SecretId=name)
    call("policy: put", "put_resource_policy", SecretId=name, ResourcePolicy=POLICY)
    call("policy: get", "get_resource_policy", SecretId=name)
    call(
        "policy: put by name",
        "put_resource_policy",
        SecretId=name,
        ResourcePolicy=POLICY,
        PolicyName="default",
    )
    call("policy: get by name", "get_resource_policy", SecretId=name, PolicyName="default")
    call("policy: no policy", "put_resource_policy", SecretId=name, ResourcePolicy="nonsense")
    call(
        "policy: public",
        "put_resource_policy",
        SecretId=name,
        ResourcePolicy=PUBLIC,
        BlockPublicPolicy=True,
    )
    call("policy: delete", "delete_resource_policy", SecretId=name)
    call("policy: delete by name", "delete_resource_policy", SecretId=name, PolicyName="default")
    call("policy: validate", "validate_resource_policy", SecretId=name, ResourcePolicy=POLICY)
    call("policy: validate nonsense", "validate_resource_policy", ResourcePolicy="nonsense")
    call("policy: missing", "get_resource_policy", SecretId=f"{name}-nowhere")
    call("policies: list", "list_resource_policies", SecretId=name)
    call("policies: a page", "list_resource_policies", SecretId=name, MaxResults=1)
    call("policies: a token of none", "list_resource_policies", SecretId=name, NextToken="of none")


def _rotation(call: Recorder) -> None:
    name = f"{call.prefix}/rotated"
    call(
        "rotate: create", "create_secret", Name=name, SecretString="x", ClientRequestToken=_token(1)
    )
    call("rotate: no function", "rotate_secret", SecretId=name)
    call("rotate: missing", "rotate_secret", SecretId=f"{name}-nowhere", RotationLambdaARN=LAMBDA)
    unknown = LAMBDA.replace("generic-password", "nobody-knows-it")
    call(
        "rotate: a function that isn't there",
        "rotate_secret",
        SecretId=name,
        RotationLambdaARN=unknown,
    )
    rules = {"AutomaticallyAfterDays": 10, "ScheduleExpression": "rate(10 days)"}
    call(
        "rotate: two kinds of rules",
        "rotate_secret",
        SecretId=name,
        RotationLambdaARN=LAMBDA,
        RotationRules=rules,
    )
    call("cancel: never set", "cancel_rotate_secret", SecretId=name)
    call(
        "rotate",
        "rotate_secret",
        SecretId=name,
        RotationLambdaARN=LAMBDA,
        RotationRules={"ScheduleExpression": "rate(10 days)", "Duration": "2h"},
        ClientRequestToken=_token(2),
        RotateImmediately=True,
    )
    call("rotate: described", "describe_secret", SecretId=name)
    call("cancel", "cancel_rotate_secret", SecretId=name)
    call("cancel: described", "describe_secret", SecretId=name)


def _replicas(call: Recorder) -> None:
    name = f"{call.prefix}/replicated"
    there: dict[str, Any] = {"AddReplicaRegions": [{"Region": ABROAD}]}
    call(
        "replica: create",
        "create_secret",
        Name=name,
        SecretString="x",
        **there,
        ForceOverwriteReplicaSecret=False,
    )
    call("replica: primary described", "describe_secret", SecretId=name)
    call("replica: described", "describe_secret", ABROAD, SecretId=name)
    call("replica: get", "get_secret_value", ABROAD, SecretId=name)
    call("replica: put", "put_secret_value", ABROAD, SecretId=name, SecretString="y")
    call("replica: update", "update_secret", ABROAD, SecretId=name, Description="y")
    call("replica: tag", "tag_resource", ABROAD, SecretId=name, Tags=[{"Key": "a", "Value": "1"}])
    call("replica: delete", "delete_secret", ABROAD, SecretId=name)
    call("replica: delete the primary", "delete_secret", SecretId=name)
    own: dict[str, Any] = {"AddReplicaRegions": [{"Region": "eu-central-1"}]}
    call("replica: its own region", "replicate_secret_to_regions", SecretId=name, **own)
    call(
        "replica: list abroad", "list_secrets", ABROAD, Filters=[{"Key": "name", "Values": [name]}]
    )
    call(
        "replica: remove",
        "remove_regions_from_replication",
        SecretId=name,
        RemoveReplicaRegions=[ABROAD],
    )
    call("replica: gone", "describe_secret", ABROAD, SecretId=name)
    call("replica: another's name", "create_secret", ABROAD, Name=name, SecretString="z")
    call("replica: name in use", "replicate_secret_to_regions", SecretId=name, **there)
    call(
        "replica: overwrite",
        "replicate_secret_to_regions",
        SecretId=name,
        **there,
        ForceOverwriteReplicaSecret=True,
    )
    call("replica: promote", "stop_replication_to_replica", ABROAD, SecretId=name)
    far: dict[str, Any] = {"SecretId": name, "CrossAccountReplicaARN": FAR}
    call("replica: another account", "associate_cross_account_replica", **far)
    call("replica: another account, away", "disassociate_cross_account_replica", **far)


def _rest(call: Recorder) -> None:
    call("password", "get_random_password")
    call("password: length", "get_random_password", PasswordLength=12)
    call(
        "password: kinds",
        "get_random_password",
        PasswordLength=20,
        ExcludeCharacters="abc",
        ExcludeNumbers=True,
        ExcludePunctuation=True,
        ExcludeUppercase=True,
        ExcludeLowercase=False,
        IncludeSpace=True,
        RequireEachIncludedType=False,
    )
    call("password: too short", "get_random_password", PasswordLength=2)
    call("password: too long", "get_random_password", PasswordLength=5000)
    call(
        "password: nothing left",
        "get_random_password",
        ExcludeNumbers=True,
        ExcludePunctuation=True,
        ExcludeUppercase=True,
        ExcludeLowercase=True,
    )
