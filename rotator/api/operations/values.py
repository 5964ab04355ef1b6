"""GetSecretValue, BatchGetSecretValue, PutSecretValue, UpdateSecretVersionStage, GetRandomPassword."""

from rotator.api.operations.filters import filters_of
from rotator.api.operations.operation import (
    Given,
    Held,
    Operation,
    Rooms,
    Structure,
    Who,
    named,
    value_of,
)
from rotator.api.wire import blob, moment, present
from rotator.manager.passwords import DEFAULT_LENGTH, PasswordRecipe
from rotator.manager.results import Delayed, SecretValueResult


class _Barrier(Exception):  # nothing is wrong: it ends a look that would have to wait
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def _get_secret_value(rooms: Rooms, who: Who, given: Given) -> Structure | Held:
    found = rooms.manager.read_secret_value(
        **who,
        secret_id=given["SecretId"],
        version_id=given.get("VersionId"),
        version_stage=given.get("VersionStage"),
    )
    return Held(found.seconds) if isinstance(found, Delayed) else value_structure(found)


def value_structure(found: SecretValueResult) -> Structure:
    """What GetSecretValue answers."""
    structure: Structure = {
        "ARN": found.arn,
        "Name": found.name,
        "VersionId": found.version_id,
        "CreatedDate": moment(found.created_at),
    }
    if found.value.string is not None:
        structure["SecretString"] = found.value.string
    else:
        structure["SecretBinary"] = blob(found.value.binary or b"")
    if found.stages:
        structure["VersionStages"] = found.stages
    return structure


def _batch_get_secret_value(rooms: Rooms, who: Who, given: Given) -> Structure | Held:
    def leave(seconds: float) -> None:
        raise _Barrier(seconds)

    try:
        found = rooms.manager.batch_get_secret_value(
            **who,
            secret_ids=given.get("SecretIdList"),
            filters=filters_of(given, operation="BatchGetSecretValue"),
            cursor=given.get("NextToken"),
            max_results=given.get("MaxResults"),
            sleep=leave,
        )
    except _Barrier as raised:
        return Held(raised.seconds)
    return present(
        SecretValues=[value_structure(value) for value in found.values],
        Errors=[
            {"SecretId": error.secret_id, "ErrorCode": error.code, "Message": error.message}
            for error in found.errors
        ],
        NextToken=found.next_cursor,
    )


def _put_secret_value(rooms: Rooms, who: Who, given: Given) -> Structure:
    stored = rooms.manager.put_secret_value(
        **who,
        secret_id=given["SecretId"],
        value=value_of(given),
        client_request_token=given["ClientRequestToken"],
        version_stages=given.get("VersionStages"),
        rotation_token=given.get("RotationToken"),
    )
    return present(
        ARN=stored.arn, Name=stored.name, VersionId=stored.version_id, VersionStages=stored.stages
    )


def _update_secret_version_stage(rooms: Rooms, who: Who, given: Given) -> Structure:
    moved = rooms.manager.update_secret_version_stage(
        **who,
        secret_id=given["SecretId"],
        version_stage=given["VersionStage"],
        move_to_version_id=given.get("MoveToVersionId"),
        remove_from_version_id=given.get("RemoveFromVersionId"),
    )
    return named(moved)


def _get_random_password(rooms: Rooms, who: Who, given: Given) -> Structure:
    recipe = PasswordRecipe(
        length=given.get("PasswordLength", DEFAULT_LENGTH),
        exclude_characters=given.get("ExcludeCharacters", ""),
        exclude_numbers=given.get("ExcludeNumbers", False),
        exclude_punctuation=given.get("ExcludePunctuation", False),
        exclude_uppercase=given.get("ExcludeUppercase", False),
        exclude_lowercase=given.get("ExcludeLowercase", False),
        include_space=given.get("IncludeSpace", False),
        require_each_included_type=given.get("RequireEachIncludedType", True),
    )
    return {"RandomPassword": rooms.manager.get_random_password(**who, recipe=recipe)}


OPERATIONS = (
    Operation("GetSecretValue", _get_secret_value),
    Operation("BatchGetSecretValue", _batch_get_secret_value),
    Operation("PutSecretValue", _put_secret_value, takes_token=True),
    Operation("UpdateSecretVersionStage", _update_secret_version_stage),
    Operation("GetRandomPassword", _get_random_password),
)
