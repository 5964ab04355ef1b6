"""Resource policies are stored, shown, taken off and checked."""

import pytest

from rotator.errors import (
    InvalidRequest,
    MalformedPolicyDocument,
    PublicPolicy,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.manager import SecretsManager
from tests.support.manager import ME, POLICY

FOR_ALL = POLICY.replace('{"AWS": "999999999999"}', '"*"')


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db")


def policy_of(manager: SecretsManager) -> str | None:
    return manager.get_resource_policy(**ME, secret_id="db").policy


def test_a_policy_is_kept_word_for_word(manager: SecretsManager) -> None:
    """Spaces and order stay as they were given, and a second policy replaces the first."""
    assert policy_of(manager) is None

    manager.put_resource_policy(**ME, secret_id="db", resource_policy=f"  {FOR_ALL}\n")
    assert policy_of(manager) == f"  {FOR_ALL}\n"
    answer = manager.put_resource_policy(**ME, secret_id="db", resource_policy=POLICY)

    assert (answer.name, policy_of(manager)) == ("db", POLICY)


def test_a_policy_is_taken_off(manager: SecretsManager) -> None:
    """Taking off what isn't there is no error."""
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=POLICY)

    manager.delete_resource_policy(**ME, secret_id="db")
    manager.delete_resource_policy(**ME, secret_id="db")

    assert policy_of(manager) is None


def test_no_policy_is_refused(manager: SecretsManager) -> None:
    """The one before stays."""
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=POLICY)

    with pytest.raises(MalformedPolicyDocument, match="contains a syntax error"):
        manager.put_resource_policy(**ME, secret_id="db", resource_policy="{}")

    assert policy_of(manager) == POLICY


def test_a_policy_has_20480_characters_at_most(manager: SecretsManager) -> None:
    """The longest is taken and given back."""
    longest = POLICY + " " * (20_480 - len(POLICY))
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=longest)
    assert policy_of(manager) == longest

    with pytest.raises(ValidationError, match=r"'resourcePolicy'.* less than or equal to 20480"):
        manager.put_resource_policy(**ME, secret_id="db", resource_policy=longest + " ")


def test_a_policy_for_anyone_is_blocked_on_request(manager: SecretsManager) -> None:
    """Only who asks for the check is refused."""
    with pytest.raises(PublicPolicy, match="broad access to the secret"):
        manager.put_resource_policy(
            **ME, secret_id="db", resource_policy=FOR_ALL, block_public_policy=True
        )
    manager.put_resource_policy(
        **ME, secret_id="db", resource_policy=POLICY, block_public_policy=True
    )
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=FOR_ALL)

    assert policy_of(manager) == FOR_ALL


@pytest.mark.parametrize(
    ("text", "checks"), [(POLICY, []), ("{", ["SYNTAX"]), (FOR_ALL, ["BROAD_ACCESS"])]
)
@pytest.mark.parametrize("secret_id", [None, "db"])
def test_a_policy_can_be_checked_alone(
    manager: SecretsManager, text: str, checks: list[str], secret_id: str | None
) -> None:
    """What is wrong is told rather than raised, and nothing is stored."""
    found = manager.validate_resource_policy(**ME, resource_policy=text, secret_id=secret_id)

    assert [problem.check for problem in found.problems] == checks
    assert found.passed == (not checks)
    assert policy_of(manager) is None


def test_a_policy_is_checked_for_a_secret_that_is_there(manager: SecretsManager) -> None:
    """A secret that is named has to exist."""
    with pytest.raises(ResourceNotFound):
        manager.validate_resource_policy(**ME, resource_policy=POLICY, secret_id="missing")


def test_a_secret_marked_for_deletion_keeps_its_policy(manager: SecretsManager) -> None:
    """Refused with the recorded text, reading too; a restored secret has it again."""
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=POLICY)
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        manager.put_resource_policy(**ME, secret_id="db", resource_policy=FOR_ALL)
    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        manager.delete_resource_policy(**ME, secret_id="db")
    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        policy_of(manager)
    manager.restore_secret(**ME, secret_id="db")

    assert policy_of(manager) == POLICY
