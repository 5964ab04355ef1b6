"""TagResource and UntagResource."""

from collections.abc import Mapping

import pytest

from rotator.errors import InvalidParameter, InvalidRequest, RotatorError, ValidationError
from rotator.manager.manager import SecretsManager
from tests.support.manager import ME


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db")


def tag(manager: SecretsManager, **tags: str) -> None:
    assert manager.tag_resource(**ME, secret_id="db", tags=tags).name == "db"


def untag(manager: SecretsManager, *keys: str) -> None:
    assert manager.untag_resource(**ME, secret_id="db", tag_keys=keys).name == "db"


def tags_of(manager: SecretsManager) -> Mapping[str, str] | None:
    return manager.describe_secret(**ME, secret_id="db").tags


def test_tags_are_put_over_those_of_the_same_key(manager: SecretsManager) -> None:
    """Keys are case-sensitive, other tags stay, and a value may be empty."""
    tag(manager, team="a", env="test", kept="as it is")
    tag(manager, Team="", team="b", env="prod")

    assert tags_of(manager) == {"Team": "", "env": "prod", "kept": "as it is", "team": "b"}


def test_untagging_takes_off_what_is_there(manager: SecretsManager) -> None:
    """A key that the secret doesn't have is no error."""
    tag(manager, team="a", env="test")
    untag(manager, "env", "missing")

    assert tags_of(manager) == {"team": "a"}


def test_never_tagged_is_not_the_same_as_untagged(manager: SecretsManager) -> None:
    """Tags are absent where there was never one, and empty where all were taken off."""
    untag(manager, "missing")
    tag(manager)
    assert tags_of(manager) is None

    tag(manager, team="a")
    untag(manager, "team")
    assert tags_of(manager) == {}

    manager.create_secret(**ME, name="tagged", tags={"team": "a"})
    manager.untag_resource(**ME, secret_id="tagged", tag_keys=["team"])
    assert manager.describe_secret(**ME, secret_id="tagged").tags == {}


def test_tagging_is_a_change(manager: SecretsManager) -> None:
    """LastChangedDate moves with it."""
    made = manager.describe_secret(**ME, secret_id="db").changed_at
    tag(manager, team="a")
    tagged = manager.describe_secret(**ME, secret_id="db").changed_at
    untag(manager, "team")

    assert made < tagged < manager.describe_secret(**ME, secret_id="db").changed_at


def test_a_secret_has_fifty_tags_at_most(manager: SecretsManager) -> None:
    """The 51st is refused with all that came with it; a new value for one that is there is not."""
    tag(manager, **{f"k{number}": "" for number in range(50)})
    tag(manager, k7="new")

    with pytest.raises(InvalidParameter, match="at most 50 tags"):
        tag(manager, k8="new", one_more="")

    after = tags_of(manager)
    assert after is not None
    assert len(after) == 50
    assert (after["k7"], after["k8"]) == ("new", "")


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        ({"": "v"}, ValidationError),
        ({"k" * 129: "v"}, ValidationError),
        ({"k": "v" * 257}, ValidationError),
        ({"k": "a\0b"}, ValidationError),
        ({"aws:team": "v"}, InvalidParameter),
        ({"AWS:team": "v"}, InvalidParameter),
    ],
)
def test_tags_have_limits(
    manager: SecretsManager, tags: dict[str, str], error: type[RotatorError]
) -> None:
    """1 to 128 characters a key, 256 at most a value, and no key in AWS's own space."""
    with pytest.raises(error):
        manager.tag_resource(**ME, secret_id="db", tags=tags)

    assert tags_of(manager) is None


def test_a_secret_marked_for_deletion_keeps_its_tags(manager: SecretsManager) -> None:
    """Refused with the recorded text; they are shown all the same."""
    tag(manager, team="a")
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        tag(manager, team="b")
    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        untag(manager, "team")

    assert tags_of(manager) == {"team": "a"}
