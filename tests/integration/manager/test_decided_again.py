"""What policies said of a principal's call is not taken for what they say of another one, nor of the same one later."""

from dataclasses import replace

import pytest

from rotator.errors import AccessDenied
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller
from tests.support.manager import ACCOUNT, ME, POLICY, REGION, value
from tests.support.principals import asks, document, principal, statement

_PROD = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/*"


@pytest.fixture
def store_engine() -> str:
    """What is decided is the same on the other engine."""
    return "sqlite"


@pytest.fixture(autouse=True)
def _secrets(manager: SecretsManager) -> None:
    for name in ("prod/db", "test/db"):
        manager.create_secret(**ME, name=name, value=value("v"), tags={"team": "blue"})


def _may_read(manager: SecretsManager, caller: Caller, name: str = "prod/db") -> bool:
    """Whether it may, which is asked twice."""
    said = set()
    for _ in range(2):
        try:
            manager.get_secret_value(**asks(caller), secret_id=name)
            said.add(True)
        except AccessDenied:
            said.add(False)
    (may,) = said
    return may


def test_another_secret_operation_and_principal_are_other_questions(
    manager: SecretsManager,
) -> None:
    """What one may on one secret lets nobody do more."""
    action = "secretsmanager:GetSecretValue"
    alice = principal(manager, "alice", statement(Action=action, Resource=_PROD))
    bob = principal(manager, "bob", statement(Action="secretsmanager:DescribeSecret"))
    assert _may_read(manager, alice)
    assert not _may_read(manager, bob)
    assert not _may_read(manager, alice, "test/db")
    with pytest.raises(AccessDenied):
        manager.describe_secret(**asks(alice), secret_id="prod/db")
    assert manager.describe_secret(**asks(bob), secret_id="prod/db").name == "prod/db"


def test_another_policy_counts_at_once(manager: SecretsManager) -> None:
    """A right that is taken from a principal, or given to it, also by a group, is taken and given from then on."""
    alice = principal(manager, "alice", statement())
    assert _may_read(manager, alice)
    manager.delete_principal_policy(**ME, principal="alice", policy_name="own")
    assert not _may_read(manager, alice)
    manager.create_principal(
        **ME, principal="readers", group=True, policies={"all": document(statement())}
    )
    manager.set_group_membership(**ME, principal="alice", group="readers", member=True)
    assert _may_read(manager, alice)
    manager.set_group_membership(**ME, principal="alice", group="readers", member=False)
    assert not _may_read(manager, alice)


def test_a_policy_on_the_secret_counts_at_once(manager: SecretsManager) -> None:
    """What a secret's own policy denies is denied from then on, until it is taken away."""
    alice = principal(manager, "alice", statement())
    assert _may_read(manager, alice)
    denies = POLICY.replace("Allow", "Deny").replace("999999999999", alice.arn or "")
    manager.put_resource_policy(**ME, secret_id="prod/db", resource_policy=denies)
    assert not _may_read(manager, alice)
    manager.delete_resource_policy(**ME, secret_id="prod/db")
    assert _may_read(manager, alice)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_depends_on_the_request_is_asked_of_each(manager: SecretsManager, effect: str) -> None:
    """Two requests of one principal that differ in a condition's key are let through or not each by itself."""
    within = statement(effect, Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    always = [] if effect == "Allow" else [statement()]
    alice = principal(manager, "alice", within, *always, source_ip="192.0.2.7")
    elsewhere = replace(alice, context=replace(alice.context, source_ip="198.51.100.7"))
    for _ in range(2):
        assert _may_read(manager, alice) is (effect == "Allow")
        assert _may_read(manager, elsewhere) is (effect == "Deny")


def test_a_variable_is_asked_of_each(manager: SecretsManager) -> None:
    """A resource that names a key of the request is another one for the next request."""
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:${{aws:UserAgent}}/*"
    alice = principal(manager, "alice", statement(Resource=arn), user_agent="prod")
    other = replace(alice, context=replace(alice.context, user_agent="test"))
    assert _may_read(manager, alice)
    assert not _may_read(manager, other)
    assert _may_read(manager, other, "test/db")
    assert not _may_read(manager, alice, "test/db")


def test_tags_count_as_they_are(manager: SecretsManager) -> None:
    """A tag that a condition asks for is looked at in each call."""
    blue = {"StringEquals": {"secretsmanager:ResourceTag/team": "blue"}}
    alice = principal(manager, "alice", statement(Condition=blue))
    assert _may_read(manager, alice)
    manager.tag_resource(**ME, secret_id="prod/db", tags={"team": "red"})
    assert not _may_read(manager, alice)
