"""RotateSecret, CancelRotateSecret."""

from rotator.api.operations.operation import Given, Operation, Rooms, Structure, Who, refuse
from rotator.api.wire import present
from rotator.manager import limits
from rotator.manager.checks import checked_token
from rotator.manager.rotation_rules import RotationRules

_NO_PARTNERS = "secrets of other vendors are not managed by this service. Leave it out."


def _rotate_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    refuse(
        given,
        "ExternalSecretRotationMetadata",
        "ExternalSecretRotationRoleArn",
        because=_NO_PARTNERS,
    )
    checked_token(given["ClientRequestToken"])
    rotator = given.get("RotationLambdaARN")
    limits.check("RotateSecret", RotationLambdaARN=rotator)
    asked = rooms.rotations.ask(
        **who,
        secret_id=given["SecretId"],
        token=given["ClientRequestToken"],
        rotator=rotator or None,
        rules=_rules(given),
        immediately=given.get("RotateImmediately", True),
    )
    return present(ARN=asked.arn, Name=asked.name, VersionId=asked.version_id)


def _rules(given: Given) -> RotationRules | None:
    rules = given.get("RotationRules")
    if not rules:
        return None
    return RotationRules(
        schedule_expression=rules.get("ScheduleExpression"),
        automatically_after_days=rules.get("AutomaticallyAfterDays"),
        duration=rules.get("Duration"),
    )


def _cancel_rotate_secret(rooms: Rooms, who: Who, given: Given) -> Structure:
    cancelled = rooms.manager.cancel_rotation(**who, secret_id=given["SecretId"])
    return present(ARN=cancelled.arn, Name=cancelled.name, VersionId=cancelled.version_id)


OPERATIONS = (
    Operation("RotateSecret", _rotate_secret, takes_token=True),
    Operation("CancelRotateSecret", _cancel_rotate_secret),
)
