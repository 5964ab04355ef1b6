"""DescribeSecret, ListSecrets, ListSecretVersionIds."""

from rotator.api.operations.filters import filters_of, order_of
from rotator.api.operations.operation import Given, Operation, Rooms, Structure, Who
from rotator.api.operations.replicas import statuses
from rotator.api.wire import moment, present
from rotator.manager.checks import MAX_PAGE
from rotator.manager.next_due import schedule_of
from rotator.manager.results import SecretDescription, VersionDescription
from rotator.manager.settings import RotationSettings
from rotator.model.filters import SecretFilter
from rotator.schedule import ScheduleError, automatically_after_days

_DEFAULT_KEY = "DefaultEncryptionKey"


def _describe_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    found = rooms.manager.describe_secret(**who, secret_id=given["SecretId"])
    return _description(found, versions="VersionIdsToStages")


def _list_secrets(rooms: Rooms, who: Who, given: Given) -> Structure:
    where = SecretFilter(
        filters=filters_of(given, operation="ListSecrets") or (),
        include_deleted=given.get("IncludePlannedDeletion", False),
    )
    page = rooms.manager.list_secrets(
        **who,
        where=where,
        order=order_of(given),
        cursor=given.get("NextToken"),
        max_results=given.get("MaxResults", MAX_PAGE),
    )
    return present(
        SecretList=[
            _description(found, versions="SecretVersionsToStages") for found in page.secrets
        ],
        NextToken=page.next_cursor,
    )


def _description(found: SecretDescription, *, versions: str) -> Structure:
    """A secret as both operations tell of it, but for the name of one member."""
    structure = present(
        ARN=found.arn,
        Name=found.name,
        Description=found.description,
        KmsKeyId=found.kms_key_id,
        LastChangedDate=moment(found.changed_at),
        LastAccessedDate=None if found.accessed_on is None else moment(found.accessed_on),
        DeletedDate=None if found.deleted_at is None else moment(found.deleted_at),
        CreatedDate=moment(found.created_at),
        PrimaryRegion=found.primary_region,
    )
    if found.replication and versions == "VersionIdsToStages":
        structure["ReplicationStatus"] = statuses(found.replication)
    if found.rotation is not None:
        structure |= _rotation(found.rotation)
    if found.tags is not None:
        structure["Tags"] = [
            {"Key": key, "Value": value} for key, value in sorted(found.tags.items())
        ]
    if found.versions:
        structure[versions] = found.versions
    return structure


def _rotation(settings: RotationSettings) -> Structure:
    rules = present(
        AutomaticallyAfterDays=_days(settings),
        Duration=settings.duration,
        ScheduleExpression=settings.schedule_expression,
    )
    return present(
        RotationEnabled=settings.enabled,
        RotationLambdaARN=settings.rotator,
        RotationRules=rules or None,
        LastRotatedDate=None if settings.rotated_at is None else moment(settings.rotated_at),
        NextRotationDate=None if settings.window_end is None else moment(settings.window_end),
    )


def _days(settings: RotationSettings) -> int | None:
    try:
        schedule = schedule_of(settings.schedule_expression, settings.automatically_after_days)
    except ScheduleError:  # the row was altered; a description is to be had all the same
        return None
    return None if schedule is None else automatically_after_days(schedule)


def _list_secret_version_ids(rooms: Rooms, who: Who, given: Given) -> Structure:
    page = rooms.manager.list_secret_version_ids(
        **who,
        secret_id=given["SecretId"],
        include_deprecated=given.get("IncludeDeprecated", False),
        cursor=given.get("NextToken"),
        max_results=given.get("MaxResults", MAX_PAGE),
    )
    keys = [page.kms_key_id or _DEFAULT_KEY]
    return present(
        ARN=page.arn,
        Name=page.name,
        Versions=[_version(found, keys=keys) for found in page.versions],
        NextToken=page.next_cursor,
    )


def _version(found: VersionDescription, *, keys: list[str]) -> Structure:
    return present(
        VersionId=found.version_id,
        VersionStages=found.stages or None,
        CreatedDate=moment(found.created_at),
        LastAccessedDate=None if found.accessed_on is None else moment(found.accessed_on),
        KmsKeyIds=keys,
    )


OPERATIONS = (
    Operation("DescribeSecret", _describe_secret),
    Operation("ListSecrets", _list_secrets),
    Operation("ListSecretVersionIds", _list_secret_version_ids),
)
