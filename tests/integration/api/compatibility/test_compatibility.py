"""The same calls through boto3 against this server and another implementation's: each difference is explained."""

import uuid
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.api.compatibility import states
from tests.integration.api.compatibility.differences import DIFFERENCES, OK
from tests.integration.api.compatibility.recorder import Recorder
from tests.integration.api.compatibility.script import ABROAD, FAR, everything
from tests.support.api import KEYS, ServedApi
from tests.support.manager import REGION
from tests.support.moto import moto_server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore.*")


def _run(url: str) -> Recorder:
    clients = {
        region: boto3.client(
            "secretsmanager",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=KEYS.access_key,
            aws_secret_access_key=KEYS.secret_key,
            config=Config(retries={"total_max_attempts": 1}),
        )
        for region in (REGION, ABROAD)
    }
    recorder = Recorder(clients, f"t{uuid.uuid4().hex[:12]}")
    everything(recorder)
    return recorder


@pytest.fixture(scope="module")
def here(api: ServedApi) -> Recorder:
    """What this server answers to the script."""
    return _run(api.url)


@pytest.fixture(scope="module")
def there() -> Recorder:
    """What the other one does."""
    with moto_server() as url:
        return _run(url)


def test_every_difference_is_explained(here: Recorder, there: Recorder) -> None:
    """A call that is answered otherwise than by the other server is in the table, and no other one is."""
    differing = {
        label
        for label in here.answers.keys() | there.answers.keys()
        if here.answers.get(label) != there.answers.get(label)
    }
    unexplained = {
        label: (here.answers.get(label), there.answers.get(label))
        for label in sorted(differing - DIFFERENCES.keys())
    }
    assert unexplained == {}
    assert sorted(DIFFERENCES.keys() - differing) == []


def test_differences_are_as_they_are_explained(here: Recorder) -> None:
    """Where the servers differ this one does what the table says of it."""
    done = {label: _outcome(here.answers[label]) for label in DIFFERENCES}
    assert {label: difference.here for label, difference in DIFFERENCES.items()} == done


def _outcome(answer: Mapping[str, Any]) -> str:
    return str(answer.get("error", OK))


def test_no_call_is_our_fault(here: Recorder) -> None:
    """Whatever the script asks, nothing of it ends in an error of the server's own."""
    assert {
        label for label, answer in here.answers.items() if answer.get("error") == "500"
    } == set()
    codes = {_outcome(answer) for answer in here.answers.values()}
    assert "InternalServiceError" not in codes


def test_every_parameter_of_the_model_has_its_state(here: Recorder) -> None:
    """Each is used by the script, or is in the table of those that are refused or are a function's own."""
    known = {name for name in states.inputs() if states.is_here(name)}
    assert states.REFUSED.keys() | states.FUNCTIONS.keys() <= known
    used = {name for name in here.asked if "." in name and states.is_here(name)}
    assert used == known - states.REFUSED.keys() - states.FUNCTIONS.keys()
    assert states.NOT_HERE.keys() <= here.asked


def test_every_member_of_an_answer_has_its_state(here: Recorder) -> None:
    """Each was told by an answer, or is in the table of those that are told sometimes or never."""
    known = {name for name in states.outputs() if states.is_here(name)}
    assert here.told == known - states.SOMETIMES.keys() - states.NEVER.keys()


@pytest.mark.parametrize("name", sorted(states.REFUSED))
def test_what_is_refused_is_refused(api: ServedApi, name: str) -> None:
    """A parameter that means something that there is not here is refused by its name, not passed over."""
    operation, _, parameter = name.partition(".")
    given: dict[str, Any] = {
        "Type": "partner",
        "CrossAccountPrimaryARN": FAR,
        "ExternalSecretRotationMetadata": [{"Key": "a", "Value": "b"}],
        "ExternalSecretRotationRoleArn": "arn:aws:iam::123456789012:role/rotation",
    }
    secret = f"tests/{uuid.uuid4().hex}"
    client = api.client()
    if operation != "CreateSecret":
        client.create_secret(Name=secret, SecretString="x")
    method = {mapped: known for known, mapped in client.meta.method_to_api_mapping.items()}[
        operation
    ]
    which = "Name" if operation == "CreateSecret" else "SecretId"
    with pytest.raises(ClientError) as refused:
        getattr(client, method)(**{which: secret, parameter: given[parameter]})
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert parameter in error["Message"]


def test_the_documentation_is_written_from_the_tables() -> None:
    """docs/aws-compatibility.md is what they say: make docs."""
    assert states.PAGE.read_text("utf-8") == states.page()
