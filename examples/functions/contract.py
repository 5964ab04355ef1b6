"""What every rotation function for AWS Secrets Manager does the same way: the four steps, and the secret's versions.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html

Put this file beside the one with the handler. Every step may be repeated with the same token.
"""

import json
import logging
import os

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


class Versions:
    """The versions of one secret, as the rotation with one token sees them."""

    def __init__(self, service, arn, token):
        self.service = service
        self.arn = arn
        self.token = token

    def value(self, stage, version=None):
        """The JSON at a label, None where there is none."""
        named = {"VersionId": version} if version else {}
        try:
            found = self.service.get_secret_value(SecretId=self.arn, VersionStage=stage, **named)
        except self.service.exceptions.ResourceNotFoundException:
            return None
        return json.loads(found["SecretString"])

    @property
    def current(self):
        return self.value(CURRENT)

    @property
    def previous(self):
        return self.value(PREVIOUS)

    @property
    def pending(self):
        """The new value, which has to be there."""
        found = self.value(PENDING, self.token)
        if found is None:
            raise ValueError(f"version {self.token} of {self.arn} has no value yet")
        return found

    def admin(self, arn):
        """The secret with which the target is administered."""
        return json.loads(self.service.get_secret_value(SecretId=arn)["SecretString"])

    def new_password(self):
        """A password without what connection strings and shells stumble over."""
        made = self.service.get_random_password(ExcludeCharacters="/@\"'\\:%`$ ", PasswordLength=32)
        return made["RandomPassword"]


def rotate(event, target):
    """Does the step of an event.

    Args:
        target: knows how a new value is made (`new_value(versions)`), set (`set(versions)`) and tested
            (`test(value)`).
    """
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    endpoint = os.environ.get("SECRETS_MANAGER_ENDPOINT")
    service = boto3.client("secretsmanager", endpoint_url=endpoint)
    described = service.describe_secret(SecretId=arn)
    if not described.get("RotationEnabled"):
        raise ValueError(f"rotation of {arn} is not enabled")
    labels = described["VersionIdsToStages"]
    if token not in labels:
        raise ValueError(f"{arn} has no version {token}")
    if CURRENT in labels[token]:
        logger.info("version %s is %s already", token, CURRENT)
        return
    if PENDING not in labels[token]:
        raise ValueError(f"version {token} of {arn} is not {PENDING}")
    versions = Versions(service, arn, token)
    if step == "createSecret":
        _create(versions, target, event)
    elif step == "setSecret":
        target.set(versions)
    elif step == "testSecret":
        target.test(versions.pending)
    elif step == "finishSecret":
        _finish(versions, labels)
    else:
        raise ValueError(f"there is no step {step}")
    logger.info("%s of %s is done", step, arn)


def _create(versions, target, event):
    if versions.value(PENDING, versions.token) is not None:
        return
    # By it the service knows a late invocation, and refuses what that would store.
    run = {"RotationToken": event["RotationToken"]} if "RotationToken" in event else {}
    versions.service.put_secret_value(
        SecretId=versions.arn,
        ClientRequestToken=versions.token,
        SecretString=json.dumps(target.new_value(versions)),
        VersionStages=[PENDING],
        **run,
    )


def _finish(versions, labels):
    current = next(version for version, stages in labels.items() if CURRENT in stages)
    versions.service.update_secret_version_stage(
        SecretId=versions.arn,
        VersionStage=CURRENT,
        MoveToVersionId=versions.token,
        RemoveFromVersionId=current,
    )


def same_server(one, other):
    """Nothing, where two values are about the same server.

    Whoever may write a secret must not be able to have its admin's password sent elsewhere.
    """
    for field in ("engine", "host", "port"):
        if one.get(field) != other.get(field):
            raise ValueError(f"the secrets disagree about the server: {field}")


def other_user(name):
    """The name of the user whose turn it is, where two take turns."""
    return name[: -len("_clone")] if name.endswith("_clone") else name + "_clone"
