"""UpdateSecret."""

import pytest

from rotator.errors import InvalidRequest, ResourceExists, ResourceNotFound, ValidationError
from rotator.manager.manager import SecretsManager
from rotator.manager.results import SecretDescription
from rotator.model.rotation import MachineState, Phase, Status
from rotator.sdk import SecretValue
from rotator.store.store import Store
from tests.support.manager import ME, begin_rotation, rotation, token, value


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(
        **ME, name="db", value=value("v1"), client_request_token=token(1), description="orders"
    )


def described(manager: SecretsManager) -> SecretDescription:
    return manager.describe_secret(**ME, secret_id="db")


def test_metadata_alone_makes_no_version(manager: SecretsManager) -> None:
    """The answer has no version id, and the value is what it was; what isn't named stays."""
    before = described(manager)

    answer = manager.update_secret(**ME, secret_id="db", description="invoices")
    manager.update_secret(**ME, secret_id="db", kms_key_id="")

    assert (answer.arn, answer.name, answer.version_id) == (before.arn, "db", None)
    after = described(manager)
    assert (after.description, after.versions) == ("invoices", before.versions)
    assert after.changed_at > before.changed_at


def test_an_empty_description_takes_it_away(manager: SecretsManager) -> None:
    """Nothing is shown as empty text."""
    manager.update_secret(**ME, secret_id="db", description="")

    assert described(manager).description is None


def test_a_value_becomes_current(manager: SecretsManager) -> None:
    """Its version is named by the token, and the version before is AWSPREVIOUS."""
    answer = manager.update_secret(
        **ME, secret_id="db", value=SecretValue(binary=b"v2"), client_request_token=token(2)
    )

    assert (answer.version_id, answer.stages) == (token(2), ("AWSCURRENT",))
    assert described(manager).versions == {token(1): ("AWSPREVIOUS",), token(2): ("AWSCURRENT",)}
    assert manager.get_secret_value(**ME, secret_id="db").value == SecretValue(binary=b"v2")


def test_the_same_value_with_a_new_token_is_a_new_version(manager: SecretsManager) -> None:
    """What makes a version is its token, not its content."""
    answer = manager.update_secret(
        **ME, secret_id="db", value=value("v1"), client_request_token=token(2)
    )

    assert answer.version_id == token(2)


def test_the_same_token_and_value_again_store_no_value(manager: SecretsManager) -> None:
    """The same version is answered; what is said about the secret changes all the same."""
    answer = manager.update_secret(
        **ME,
        secret_id="db",
        value=value("v1"),
        client_request_token=token(1),
        description="invoices",
    )

    assert answer.version_id == token(1)
    assert described(manager).versions == {token(1): ("AWSCURRENT",)}
    assert described(manager).description == "invoices"


def test_the_same_token_with_another_value_changes_nothing(manager: SecretsManager) -> None:
    """Refused with the recorded text, description and all."""
    arn = described(manager).arn

    with pytest.raises(ResourceExists) as refused:
        manager.update_secret(
            **ME, secret_id="db", value=value("v2"), client_request_token=token(1), description="x"
        )

    assert str(refused.value) == (
        f"You can't use ClientRequestToken {token(1)} because that value is already in use for a version of "
        f"secret {arn}."
    )
    assert described(manager).description == "orders"


def test_a_secret_without_a_value_gets_its_first(manager: SecretsManager) -> None:
    """As with a put, the first value is AWSCURRENT."""
    manager.create_secret(**ME, name="empty")

    manager.update_secret(**ME, secret_id="empty", value=value("v1"))

    assert manager.get_secret_value(**ME, secret_id="empty").stages == ("AWSCURRENT",)


def test_a_value_abandons_a_rotation_and_metadata_does_not(
    manager: SecretsManager, store: Store
) -> None:
    """A description is nothing to a rotation; a value ends it and takes AWSPENDING off."""
    state = MachineState(phase=Phase.SET, created=True)
    rotation_id = begin_rotation(store, "db", token=token(2), state=state)
    manager.set_rotation(**ME, secret_id="db", rotator="generic")

    manager.update_secret(**ME, secret_id="db", description="invoices")
    assert rotation(store, rotation_id).status == Status.RUNNING

    manager.update_secret(**ME, secret_id="db", value=value("v3"), client_request_token=token(3))
    assert rotation(store, rotation_id).status == Status.ABANDONED
    assert described(manager).versions == {token(1): ("AWSPREVIOUS",), token(3): ("AWSCURRENT",)}


@pytest.mark.parametrize("given", [{"description": "x"}, {"value": value("v2")}, {}])
def test_a_secret_marked_for_deletion_is_not_updated(
    manager: SecretsManager, given: dict[str, object]
) -> None:
    """Refused with the recorded text."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest) as refused:
        manager.update_secret(**ME, secret_id="db", **given)  # type: ignore[arg-type]

    assert str(refused.value) == (
        "You can't perform this operation on the secret because it was marked for deletion."
    )


def test_a_missing_secret_is_not_updated(manager: SecretsManager) -> None:
    """It isn't made either."""
    with pytest.raises(ResourceNotFound):
        manager.update_secret(**ME, secret_id="missing", value=value("v1"))


def test_limits_come_before_the_state(manager: SecretsManager) -> None:
    """A parameter out of its limits is refused even where there is no such secret."""
    with pytest.raises(ValidationError, match="'description'"):
        manager.update_secret(**ME, secret_id="missing", description="x" * 2049)
    with pytest.raises(InvalidRequest, match="You must provide either SecretString or Secret"):
        manager.update_secret(**ME, secret_id="missing", value=value(""))
