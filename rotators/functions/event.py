"""What a rotation function is invoked with. Pure but for the id of an invocation."""

import uuid

from rotator.sdk import Rotation
from rotator.sdk.rotation_token import RunNumber, rotation_token
from rotators.functions.rotator import Step


def event_of(step: Step, rotation: Rotation) -> dict[str, str]:
    """The event of a step, as AWS Secrets Manager sends it."""
    return {
        "Step": str(step),
        "SecretId": rotation.secret_arn,
        "ClientRequestToken": rotation.token,
        "RotationToken": rotation_token(RunNumber(rotation.rotation_id, rotation.fencing)),
    }


def invocation_id() -> str:
    """An id for one invocation."""
    return str(uuid.uuid4())
