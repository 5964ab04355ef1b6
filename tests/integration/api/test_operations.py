"""boto3 through every operation, with nothing changed but the endpoint."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from rotator.api.operations.table import OPERATIONS
from rotator.manager import limits
from rotator.manager.auditing import Auditing
from rotator.store.audit_search import AuditFilter
from tests.support.api import ServedApi
from tests.support.manager import ME, POLICY, THE_ENGINE
from tests.support.waiting import eventually

GENERATED = "generic-password"
FAR = "arn:aws:secretsmanager:us-east-1:999999999999:secret:far-AbCdEf"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore.*")


@pytest.fixture
def client(api: ServedApi) -> Any:
    """A boto3 client."""
    return api.client()


@pytest.fixture
def name() -> str:
    """The name of a secret that no other test uses."""
    return f"tests/{uuid.uuid4().hex}"


def test_a_secret_is_made_read_and_described(client: Any, name: str) -> None:
    """CreateSecret, GetSecretValue and DescribeSecret answer as the real service does, absent meaning left out."""
    token = str(uuid.uuid4())
    made = client.create_secret(
        Name=name,
        SecretString="s3cret",
        ClientRequestToken=token,
        Tags=[{"Key": "team", "Value": "red"}],
    )
    assert made["VersionId"] == token
    assert made["ARN"].startswith(
        f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-"
    )
    value = client.get_secret_value(SecretId=name)
    assert (value["SecretString"], value["VersionStages"]) == ("s3cret", ["AWSCURRENT"])
    assert "SecretBinary" not in value
    assert abs((datetime.now(UTC) - value["CreatedDate"]).total_seconds()) < 3600
    found = client.describe_secret(SecretId=made["ARN"])
    del found["ResponseMetadata"]
    assert found.keys() == {
        "ARN", "Name", "LastChangedDate", "LastAccessedDate", "Tags", "VersionIdsToStages", "CreatedDate",
    }  # fmt: skip
    assert found["VersionIdsToStages"] == {token: ["AWSCURRENT"]}
    assert found["Tags"] == [{"Key": "team", "Value": "red"}]
    assert found["LastAccessedDate"].time().isoformat() == "00:00:00"


def test_bytes_come_back_as_they_were(client: Any, name: str) -> None:
    """SecretBinary goes in and comes out as bytes, alone."""
    content = bytes(range(256))
    client.create_secret(Name=name, SecretBinary=content)
    value = client.get_secret_value(SecretId=name)
    assert value["SecretBinary"] == content
    assert "SecretString" not in value


def test_a_secret_without_a_value_has_no_version(client: Any, name: str) -> None:
    """CreateSecret without a value names no version; the first PutSecretValue gets AWSCURRENT."""
    made = client.create_secret(Name=name, Description="to come")
    assert "VersionId" not in made
    assert "VersionIdsToStages" not in client.describe_secret(SecretId=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as refused:
        client.get_secret_value(SecretId=name)
    assert refused.value.response["Error"]["Message"] == (
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    )
    put = client.put_secret_value(SecretId=name, SecretString="first")
    assert put["VersionStages"] == ["AWSCURRENT"]


def test_values_and_labels_move(client: Any, name: str) -> None:
    """PutSecretValue, UpdateSecret, UpdateSecretVersionStage and ListSecretVersionIds tell of the same versions."""
    first = client.create_secret(Name=name, SecretString="one")["VersionId"]
    second = client.put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    third = client.update_secret(SecretId=name, SecretString="three", Description="all")[
        "VersionId"
    ]
    assert "VersionId" not in client.update_secret(SecretId=name, Description="said")
    client.update_secret_version_stage(
        SecretId=name,
        VersionStage="AWSCURRENT",
        MoveToVersionId=first,
        RemoveFromVersionId=third,
    )
    listed = client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
    stages = {each["VersionId"]: each.get("VersionStages") for each in listed["Versions"]}
    assert stages == {first: ["AWSCURRENT"], second: None, third: ["AWSPREVIOUS"]}
    assert {tuple(each["KmsKeyIds"]) for each in listed["Versions"]} == {("DefaultEncryptionKey",)}
    previous = client.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert (previous["SecretString"], previous["VersionId"]) == ("three", third)
    assert client.get_secret_value(SecretId=name, VersionId=second)["SecretString"] == "two"


def test_a_batch_answers_what_it_can(client: Any, name: str) -> None:
    """BatchGetSecretValue gives values and, for what fails, errors; by filters it goes page by page."""
    names = [f"{name}-{number}" for number in range(3)]
    for each in names:
        client.create_secret(Name=each, SecretString=each)
    found = client.batch_get_secret_value(SecretIdList=[*names, f"{name}-gone"])
    assert [value["SecretString"] for value in found["SecretValues"]] == names
    [error] = found["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == (f"{name}-gone", "ResourceNotFoundException")
    asked = {"Filters": [{"Key": "name", "Values": [name]}], "MaxResults": 2}
    first = client.batch_get_secret_value(**asked)
    rest = client.batch_get_secret_value(**asked, NextToken=first["NextToken"])
    listed = [value["Name"] for page in (first, rest) for value in page["SecretValues"]]
    assert listed == names
    assert "NextToken" not in rest


def test_secrets_are_listed_in_an_order_page_by_page(client: Any, name: str) -> None:
    """ListSecrets filters, sorts and goes on from a token, which is none of another list."""
    names = [f"{name}-{letter}" for letter in "cab"]
    for each in names:
        client.create_secret(Name=each)
    filters = [{"Key": "name", "Values": [name]}]
    ordered = {"Filters": filters, "SortBy": "name", "SortOrder": "desc", "MaxResults": 2}
    first = client.list_secrets(**ordered)
    rest = client.list_secrets(**ordered, NextToken=first["NextToken"])
    listed = [each["Name"] for each in first["SecretList"] + rest["SecretList"]]
    assert listed == sorted(names, reverse=True)
    assert "NextToken" not in rest
    with pytest.raises(client.exceptions.InvalidNextTokenException):
        client.list_secrets(NextToken=first["NextToken"])


def test_tags_come_and_go(client: Any, name: str) -> None:
    """TagResource and UntagResource answer nothing; Tags is empty, not absent, after the last one went."""
    client.create_secret(Name=name)
    assert "Tags" not in client.describe_secret(SecretId=name)
    tagged = client.tag_resource(SecretId=name, Tags=[{"Key": "k", "Value": "v"}])
    assert tagged.keys() == {"ResponseMetadata"}
    client.untag_resource(SecretId=name, TagKeys=["k"])
    assert client.describe_secret(SecretId=name)["Tags"] == []


def test_a_deletion_is_taken_back_or_forced(client: Any, name: str) -> None:
    """DeleteSecret marks, RestoreSecret takes that back, and forcing removes at once."""
    client.create_secret(Name=name, SecretString="value")
    deleted = client.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    described = client.describe_secret(SecretId=name)
    assert 6.9 < (deleted["DeletionDate"] - described["DeletedDate"]).total_seconds() / 86400 < 7.1
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.get_secret_value(SecretId=name)
    client.restore_secret(SecretId=name)
    assert client.get_secret_value(SecretId=name)["SecretString"] == "value"
    for _ in range(2):  # what is gone already is no error
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId=name)


def test_a_resource_policy_is_kept_word_for_word(client: Any, name: str) -> None:
    """PutResourcePolicy, GetResourcePolicy, ListResourcePolicies, ValidateResourcePolicy, DeleteResourcePolicy."""
    client.create_secret(Name=name)
    assert "ResourcePolicy" not in client.get_resource_policy(SecretId=name)
    client.put_resource_policy(SecretId=name, ResourcePolicy=POLICY, BlockPublicPolicy=True)
    assert client.get_resource_policy(SecretId=name)["ResourcePolicy"] == POLICY
    assert client.list_resource_policies(SecretId=name)["ResourcePolicies"] == [
        {"PolicyName": "default"}
    ]
    client.delete_resource_policy(SecretId=name)
    assert client.list_resource_policies(SecretId=name)["ResourcePolicies"] == []
    open_to_all = POLICY.replace('{"AWS": "999999999999"}', '"*"')
    checked = client.validate_resource_policy(ResourcePolicy=open_to_all, SecretId=name)
    assert not checked["PolicyValidationPassed"]
    assert [each["CheckName"] for each in checked["ValidationErrors"]] == ["BROAD_ACCESS"]
    with pytest.raises(client.exceptions.PublicPolicyException):
        client.put_resource_policy(
            SecretId=name, ResourcePolicy=open_to_all, BlockPublicPolicy=True
        )


def test_a_random_password_is_what_was_asked_for(client: Any) -> None:
    """GetRandomPassword keeps to its parameters."""
    password = client.get_random_password(
        PasswordLength=40, ExcludePunctuation=True, ExcludeCharacters="abc"
    )["RandomPassword"]
    assert len(password) == 40
    assert password.isalnum()
    assert not set(password) & set("abc")


def test_a_rotation_that_was_asked_for_is_done_by_who_looks_what_is_due(
    api: ServedApi, client: Any, name: str
) -> None:
    """RotateSecret answers at once with the token as VersionId; a run of what is due rotates with that token."""
    client.create_secret(Name=name, SecretString="old")
    token = str(uuid.uuid4())
    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
    asked = {"SecretId": name, "ClientRequestToken": token}
    answered = client.rotate_secret(**asked, RotationLambdaARN=GENERATED, RotationRules=rules)
    assert answered["VersionId"] == token
    again = client.rotate_secret(**asked)
    assert again["VersionId"] == token
    with pytest.raises(client.exceptions.InvalidRequestException) as refused:
        client.rotate_secret(SecretId=name)
    assert refused.value.response["Error"]["Message"] == (
        "A previous rotation isn't complete. That rotation will be reattempted."
    )
    report = api.house.engine(parks=True).run_due(name, **THE_ENGINE)
    assert report is not None
    described = client.describe_secret(SecretId=name)
    assert described["VersionIdsToStages"][token] == ["AWSCURRENT"]
    assert described["RotationEnabled"]
    assert described["RotationLambdaARN"] == GENERATED
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 10, **rules}
    assert described["NextRotationDate"] > described["LastRotatedDate"]
    assert client.get_secret_value(SecretId=name)["SecretString"] != "old"
    assert client.rotate_secret(**asked)["VersionId"] == token  # nothing new
    assert client.describe_secret(SecretId=name)["VersionIdsToStages"][token] == ["AWSCURRENT"]


def test_a_rotation_is_cancelled_before_it_begins(api: ServedApi, client: Any, name: str) -> None:
    """CancelRotateSecret ends what was asked for, and keeps rules and function."""
    client.create_secret(Name=name, SecretString="old")
    client.rotate_secret(SecretId=name, RotationLambdaARN=GENERATED)
    client.cancel_rotate_secret(SecretId=name)
    assert api.house.engine(parks=True).run_due(name, **THE_ENGINE) is None
    described = client.describe_secret(SecretId=name)
    assert not described["RotationEnabled"]
    assert described["RotationLambdaARN"] == GENERATED
    assert "NextRotationDate" not in described
    assert client.get_secret_value(SecretId=name)["SecretString"] == "old"


def test_only_the_credential_is_tried_where_nothing_is_to_rotate_yet(
    api: ServedApi, client: Any, name: str
) -> None:
    """RotateImmediately=False stores the rules, has the stored value tried, and rotates nothing."""
    client.create_secret(Name=name, SecretString="old")
    client.rotate_secret(
        SecretId=name,
        RotationLambdaARN=GENERATED,
        RotationRules={"AutomaticallyAfterDays": 3},
        RotateImmediately=False,
    )
    arn = client.describe_secret(SecretId=name)["ARN"]
    events = {"TestRotationStarted", "TestRotationSucceeded"}
    assert eventually(lambda: events <= set(_events(api, arn)))
    assert api.house.engine(parks=True).run_due(name, **THE_ENGINE) is None
    assert client.get_secret_value(SecretId=name)["SecretString"] == "old"


def _events(api: ServedApi, arn: str) -> list[str]:
    page = Auditing(api.house.store).show(**ME, where=AuditFilter(secret=arn), limit=100)
    return [record.event for record in page.records]


def test_another_name_of_the_same_rotator_pins_nothing_anew(
    api: ServedApi, client: Any, name: str
) -> None:
    """Who may write the value must not be able to have it pinned by naming the rotator otherwise."""
    value = {
        "engine": "postgres",
        "host": "db.example.com",
        "port": 5432,
        "username": "app",
        "password": "x",
    }
    client.create_secret(Name=name, SecretString=json.dumps(value))
    client.rotate_secret(SecretId=name, RotationLambdaARN="postgresql-single-user")
    client.cancel_rotate_secret(SecretId=name)
    elsewhere = json.dumps(value | {"host": "evil.example.com"})
    client.put_secret_value(SecretId=name, SecretString=elsewhere)
    template = "arn:aws:lambda:eu-central-1:123456789012:function:SecretsManagerRDSPostgreSQLRotationSingleUser"
    client.rotate_secret(SecretId=name, RotationLambdaARN=template)
    client.cancel_rotate_secret(SecretId=name)
    pinned = api.house.manager.describe_secret(**ME, secret_id=name).rotation
    assert pinned is not None
    assert pinned.authority is not None
    assert pinned.authority.host == "db.example.com"


def test_a_rotation_without_a_function_is_refused(client: Any, name: str) -> None:
    """RotateSecret stores nothing where no function was ever given, or one that nobody knows."""
    client.create_secret(Name=name, SecretString="value")
    with pytest.raises(client.exceptions.InvalidRequestException) as refused:
        client.rotate_secret(SecretId=name)
    assert refused.value.response["Error"]["Message"] == (
        "No Lambda rotation function ARN is associated with this secret."
    )
    unknown = "arn:aws:lambda:eu-central-1:123456789012:function:nobody-knows-it"
    with pytest.raises(client.exceptions.ClientError) as denied:
        client.rotate_secret(SecretId=name, RotationLambdaARN=unknown)
    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "RotationEnabled" not in client.describe_secret(SecretId=name)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("associate_cross_account_replica", {"CrossAccountReplicaARN": FAR}),
        ("disassociate_cross_account_replica", {"CrossAccountReplicaARN": FAR}),
    ],
)
def test_what_there_is_not_is_refused(
    client: Any, name: str, operation: str, more: dict[str, Any]
) -> None:
    """Replicas in other accounts are refused with a reason, rather than promised."""
    client.create_secret(Name=name)
    with pytest.raises(client.exceptions.InvalidRequestException):
        getattr(client, operation)(SecretId=name, **more)


def test_every_operation_of_the_model_is_there() -> None:
    """The table names what botocore's model of the service names, and nothing else."""
    assert limits.operations().keys() == OPERATIONS.keys()


def test_a_secret_is_replicated(api: ServedApi, client: Any, name: str) -> None:
    """The replica is read in its region, is read-only there, and is promoted or removed."""
    made = client.create_secret(
        Name=name, SecretString="v", AddReplicaRegions=[{"Region": "us-east-1"}]
    )
    [status] = made["ReplicationStatus"]
    assert (status["Region"], status["Status"]) == ("us-east-1", "InSync")
    there = api.client(region="us-east-1")
    found = there.describe_secret(SecretId=name)
    assert found["ARN"] == made["ARN"].replace("eu-central-1", "us-east-1")
    assert found["PrimaryRegion"] == "eu-central-1"
    client.put_secret_value(SecretId=name, SecretString="w")
    assert there.get_secret_value(SecretId=name)["SecretString"] == "w"
    with pytest.raises(there.exceptions.InvalidParameterException, match="replica secret"):
        there.put_secret_value(SecretId=name, SecretString="x")
    there.stop_replication_to_replica(SecretId=name)
    there.put_secret_value(SecretId=name, SecretString="x")
    replicated = client.replicate_secret_to_regions(
        SecretId=name, AddReplicaRegions=[{"Region": "ap-south-1"}]
    )
    assert [one["Region"] for one in replicated["ReplicationStatus"]] == ["ap-south-1"]
    with pytest.raises(client.exceptions.InvalidParameterException, match="replica regions"):
        client.delete_secret(SecretId=name)
    gone = client.remove_regions_from_replication(
        SecretId=name, RemoveReplicaRegions=["ap-south-1"]
    )
    assert gone["ReplicationStatus"] == []


def test_a_region_has_secrets_of_its_own(api: ServedApi, client: Any, name: str) -> None:
    """The region is the one that the request was signed for."""
    abroad = api.client(region="us-east-1")
    client.create_secret(Name=name, SecretString="here")
    made = abroad.create_secret(Name=name, SecretString="there")
    assert made["ARN"].split(":")[3] == "us-east-1"
    assert client.get_secret_value(SecretId=name)["SecretString"] == "here"
    assert abroad.get_secret_value(SecretId=name)["SecretString"] == "there"


def test_sts_says_who_one_is(api: ServedApi) -> None:
    """GetCallerIdentity answers at the same address."""
    identity = api.client("sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"].startswith("arn:aws:iam::123456789012:user/")
