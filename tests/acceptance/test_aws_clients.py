"""Clients that people have, as they are: the AWS CLI and the caching library, with nothing changed but the endpoint."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awscli
import pytest
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

from tests.support.api import KEYS, ServedApi
from tests.support.aws_cli import Cli, aws_cli
from tests.support.manager import POLICY, REGION

AWS = Path(sys.executable).with_name("aws")
GENERATED = "generic-password"


@pytest.fixture(scope="module")
def variables(api: ServedApi) -> dict[str, str]:
    """What a user of the CLI sets."""
    return {
        "AWS_ACCESS_KEY_ID": KEYS.access_key,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": api.url,
        "AWS_ENDPOINT_URL_STS": api.url,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


class Tour:
    """Commands of the CLI on one secret, and which operations they were."""

    def __init__(self, cli: Cli, name: str) -> None:
        self._cli = cli
        self._name = name
        self.done: set[str] = set()

    def on(self, operation: str, *arguments: str) -> Any:
        """A command on the secret."""
        return self.ask(operation, "--secret-id", self._name, *arguments)

    def ask(self, operation: str, *arguments: str) -> Any:
        """A command."""
        self.done.add("".join(word.capitalize() for word in operation.split("-")))
        return self._cli("secretsmanager", operation, *arguments)


@pytest.fixture
def tour(variables: dict[str, str]) -> Iterator[Tour]:
    """The CLI."""
    with aws_cli(variables) as cli:
        yield Tour(cli, f"tour/{uuid.uuid4().hex}")


def test_the_aws_cli_does_every_operation(tour: Tour) -> None:
    """A tour with each operation that it knows once, but for those of replicas, which are refused."""
    name = tour._name
    made = tour.ask(
        "create-secret", "--name", name, "--secret-string", "one", "--tags", "Key=k,Value=v"
    )
    assert tour.on("get-secret-value")["SecretString"] == "one"
    put = tour.on(
        "put-secret-value", "--secret-string", "two", "--version-stages", "AWSCURRENT", "blue"
    )
    assert sorted(put["VersionStages"]) == ["AWSCURRENT", "blue"]
    tour.on("update-secret", "--description", "of the tour")
    tour.on(
        "update-secret-version-stage", "--version-stage", "blue", "--remove-from-version-id",
        put["VersionId"], "--move-to-version-id", made["VersionId"],
    )  # fmt: skip
    versions = tour.on("list-secret-version-ids")["Versions"]
    assert {each["VersionId"] for each in versions} == {made["VersionId"], put["VersionId"]}
    found = tour.ask("batch-get-secret-value", "--secret-id-list", name)
    assert [value["SecretString"] for value in found["SecretValues"]] == ["two"]
    listed = tour.ask("list-secrets", "--filters", f"Key=name,Values={name}")
    assert [each["Description"] for each in listed["SecretList"]] == ["of the tour"]
    tour.on("tag-resource", "--tags", "Key=l,Value=w")
    tour.on("untag-resource", "--tag-keys", "k")
    assert tour.on("describe-secret")["Tags"] == [{"Key": "l", "Value": "w"}]
    assert len(tour.ask("get-random-password", "--password-length", "20")["RandomPassword"]) == 20
    assert tour.ask("validate-resource-policy", "--resource-policy", POLICY)[
        "PolicyValidationPassed"
    ]
    tour.on("put-resource-policy", "--resource-policy", POLICY)
    assert tour.on("get-resource-policy")["ResourcePolicy"] == POLICY
    tour.on("delete-resource-policy")
    rotating = tour.on(
        "rotate-secret",
        "--rotation-lambda-arn",
        GENERATED,
        "--rotation-rules",
        "AutomaticallyAfterDays=3",
    )
    assert rotating["VersionId"]
    tour.on("cancel-rotate-secret")
    tour.on("delete-secret", "--recovery-window-in-days", "7")
    tour.on("restore-secret")
    assert tour.done == {operation for operation in _known_to_the_cli() if "Repl" not in operation}


def _known_to_the_cli() -> set[str]:
    """The operations in the model that it comes with."""
    [model] = Path(awscli.__file__).parent.glob("botocore/data/secretsmanager/*/service-2.json*")
    return set(json.loads(model.read_bytes())["operations"])


def test_aws_sts_get_caller_identity_says_who_one_is(variables: dict[str, str]) -> None:
    """The program itself."""
    command = [str(AWS), "sts", "get-caller-identity"]
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    identity = json.loads(ran.stdout)
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/alice"
    assert identity["Account"] == "123456789012"
    assert identity["UserId"].startswith("AIDA")


def test_the_caching_library_sees_a_new_value_after_its_time(api: ServedApi) -> None:
    """aws_secretsmanager_caching gives the value it has, and the new one when it looks again."""
    client, name = api.client(), f"cached/{uuid.uuid4().hex}"
    client.create_secret(Name=name, SecretString="one")
    kept = SecretCache(config=SecretCacheConfig(secret_refresh_interval=3600), client=client)
    fresh = SecretCache(config=SecretCacheConfig(secret_refresh_interval=0), client=client)
    assert (kept.get_secret_string(name), fresh.get_secret_string(name)) == ("one", "one")
    client.put_secret_value(SecretId=name, SecretString="two")
    assert kept.get_secret_string(name) == "one"
    assert fresh.get_secret_string(name) == "two"
    client.put_secret_value(SecretId=name, SecretBinary=b"\x00three")
    assert fresh.get_secret_binary(name) == b"\x00three"
