"""CreateSecret."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from rotator.errors import (
    InvalidParameter,
    InvalidRequest,
    ResourceExists,
    ResourceNotFound,
    RotatorError,
    ValidationError,
)
from rotator.manager.manager import SecretsManager
from rotator.sdk import SecretValue
from tests.support.manager import ACCOUNT, ME, REGION, token, value


def test_a_secret_with_a_value_has_a_current_version(manager: SecretsManager) -> None:
    """The first value is AWSCURRENT, and its version id is the client request token."""
    made = manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))

    assert re.fullmatch(
        rf"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-[A-Za-z0-9]{{6}}", made.arn
    )
    assert (made.name, made.version_id, made.stages) == ("db", token(1), ("AWSCURRENT",))
    read = manager.get_secret_value(**ME, secret_id="db")
    assert (read.value, read.version_id) == (value("v1"), token(1))


def test_a_secret_without_a_value_has_no_version(manager: SecretsManager) -> None:
    """No value: no version id in the answer, and nothing to read."""
    made = manager.create_secret(**ME, name="db")

    assert (made.version_id, made.stages) == (None, ())
    assert manager.describe_secret(**ME, secret_id="db").versions == {}
    with pytest.raises(ResourceNotFound) as missing:
        manager.get_secret_value(**ME, secret_id="db")
    assert str(missing.value) == (
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    )


def test_a_binary_value_comes_back_as_bytes(manager: SecretsManager) -> None:
    """Bytes stay bytes."""
    binary = SecretValue(binary=bytes(range(256)))
    manager.create_secret(**ME, name="key", value=binary)

    assert manager.get_secret_value(**ME, secret_id="key").value == binary


def test_description_and_tags_are_kept(manager: SecretsManager) -> None:
    """Describe shows them."""
    manager.create_secret(**ME, name="db", description="orders", tags={"team": "a", "env": "x"})

    seen = manager.describe_secret(**ME, secret_id="db")

    assert (seen.description, seen.tags) == ("orders", {"env": "x", "team": "a"})


def test_the_same_creation_again_is_the_same_secret(manager: SecretsManager) -> None:
    """Same token, same value: success with the same version, and no second one."""
    first, again = (
        manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
        for _ in range(2)
    )

    assert again == first
    assert len(manager.list_secret_version_ids(**ME, secret_id="db").versions) == 1


def test_the_same_token_with_another_value_is_refused(manager: SecretsManager) -> None:
    """A token stands for one value."""
    made = manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))

    with pytest.raises(ResourceExists) as refused:
        manager.create_secret(**ME, name="db", value=value("v2"), client_request_token=token(1))

    assert str(refused.value) == (
        f"You can't use ClientRequestToken {token(1)} because that value is already in use for a version of "
        f"secret {made.arn}."
    )


def test_a_name_in_use_is_refused(manager: SecretsManager) -> None:
    """Another token: the name is taken."""
    manager.create_secret(**ME, name="db", value=value("v1"))

    with pytest.raises(ResourceExists) as refused:
        manager.create_secret(**ME, name="db", value=value("v1"))

    assert str(refused.value) == "The operation failed because the secret db already exists."


def test_the_name_of_a_deleted_secret_is_refused(manager: SecretsManager) -> None:
    """A secret that is scheduled for deletion keeps its name until it is gone."""
    manager.create_secret(**ME, name="db")
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest) as refused:
        manager.create_secret(**ME, name="db")

    assert str(refused.value) == (
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )


def test_a_name_made_again_gets_another_arn(manager: SecretsManager) -> None:
    """The six characters are new, so that an old ARN never names a new secret."""
    first = manager.create_secret(**ME, name="db")
    manager.delete_secret(**ME, secret_id="db", force_without_recovery=True)

    second = manager.create_secret(**ME, name="db")

    assert second.arn != first.arn
    with pytest.raises(ResourceNotFound):
        manager.describe_secret(**ME, secret_id=first.arn)


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"name": "a b"}, ValidationError, "Invalid name"),
        ({"client_request_token": "short"}, InvalidParameter, "32-64 characters"),
        (
            {"value": value("é" * 32_768 + "x")},
            ValidationError,
            "Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536",
        ),
        (
            {"value": SecretValue(binary=b"x" * 65_537)},
            ValidationError,
            "Value at 'secretBinary' failed to satisfy constraint: Member must have length less than or equal to 65536",
        ),
        (
            {"value": value("")},
            InvalidRequest,
            "You must provide either SecretString or SecretBinary.",
        ),
        ({"kms_key_id": "alias/mine"}, InvalidParameter, "There is no key alias/mine here"),
        ({"description": "x" * 2049}, ValidationError, "length less than or equal to 2048"),
        ({"tags": {f"k{n}": "" for n in range(51)}}, InvalidParameter, "at most 50 tags"),
        ({"tags": {"": "v"}}, ValidationError, "'tags.1.member.key'"),
        ({"tags": {"aws:team": "v"}}, InvalidParameter, "reserved"),
    ],
    ids=[
        "name",
        "token",
        "size",
        "size of bytes",
        "empty",
        "key",
        "description",
        "tags",
        "tag key",
        "reserved tag",
    ],
)
def test_limits_are_checked_first(
    manager: SecretsManager, changed: dict[str, object], error: type[RotatorError], text: str
) -> None:
    """A parameter out of its limits is refused and nothing is made."""
    request: dict[str, object] = {"name": "db", "value": value("v1")} | changed

    with pytest.raises(error, match=re.escape(text)):
        manager.create_secret(**ME, **request)  # type: ignore[arg-type]

    assert manager.list_secrets(**ME).secrets == ()


_DEFAULT_ARN = "arn:aws:kms:eu-central-1:123456789012:alias/aws/secretsmanager"


@pytest.mark.parametrize("kms_key_id", [None, "", "alias/aws/secretsmanager", _DEFAULT_ARN])
def test_the_default_key_has_several_names(manager: SecretsManager, kms_key_id: str | None) -> None:
    """The default key is shown as none."""
    manager.create_secret(**ME, name="db", kms_key_id=kms_key_id)

    assert manager.describe_secret(**ME, secret_id="db").kms_key_id is None


def test_the_largest_value_fits(manager: SecretsManager) -> None:
    """65,536 bytes are stored and read."""
    largest = value("é" * 32_768)
    manager.create_secret(**ME, name="db", value=largest)

    assert manager.get_secret_value(**ME, secret_id="db").value == largest


def test_of_several_who_make_one_name_one_wins(manager: SecretsManager) -> None:
    """Concurrent creations of a name make one secret; the others are told that it exists."""

    def create(number: int) -> bool:
        try:
            manager.create_secret(**ME, name="db", value=value(f"v{number}"))
        except ResourceExists:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(8)))

    assert made.count(True) == 1
    assert len(manager.list_secrets(**ME).secrets) == 1
