"""UpdateSecretVersionStage."""

import pytest

from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.model.rotation import MachineState
from rotator.store.store import Store
from tests.support.manager import ME, begin_rotation, token, value


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
    for number in (2, 3):
        manager.put_secret_value(
            **ME, secret_id="db", value=value(f"v{number}"), client_request_token=token(number)
        )


def move(
    manager: SecretsManager, stage: str, *, to: int | None = None, remove_from: int | None = None
) -> None:
    moved = manager.update_secret_version_stage(
        **ME,
        secret_id="db",
        version_stage=stage,
        move_to_version_id=None if to is None else token(to),
        remove_from_version_id=None if remove_from is None else token(remove_from),
    )
    assert moved.name == "db"


def labels_of(manager: SecretsManager) -> dict[str, tuple[str, ...]]:
    return dict(manager.describe_secret(**ME, secret_id="db").versions)


def test_previous_follows_current(manager: SecretsManager) -> None:
    """Moving AWSCURRENT puts AWSPREVIOUS on the version that it left."""
    move(manager, "AWSCURRENT", to=1, remove_from=3)

    assert labels_of(manager) == {token(1): ("AWSCURRENT",), token(3): ("AWSPREVIOUS",)}


def test_a_new_label_is_attached_moved_and_removed(manager: SecretsManager) -> None:
    """A custom label goes on a version, over to another one, and away."""
    move(manager, "blue", to=1)
    assert labels_of(manager)[token(1)] == ("blue",)
    move(manager, "blue", to=2, remove_from=1)
    assert labels_of(manager)[token(2)] == ("AWSPREVIOUS", "blue")
    move(manager, "blue", remove_from=2)
    assert labels_of(manager)[token(2)] == ("AWSPREVIOUS",)


@pytest.mark.parametrize(
    ("stage", "to", "remove_from", "text"),
    [
        (
            "AWSCURRENT",
            1,
            None,
            (
                "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached "
                f"to version {token(3)}, so you must explicitly reference that version in RemoveFromVersionId."
            ),
        ),
        (
            "AWSCURRENT",
            None,
            3,
            (
                "You can only move staging label AWSCURRENT to a different secret version. "
                "It can't be completely removed."
            ),
        ),
        (
            "AWSCURRENT",
            1,
            2,
            (
                f"Staging label AWSCURRENT is not attached to version {token(2)}, which RemoveFromVersionId names. "
                f"It is attached to version {token(3)}."
            ),
        ),
        (
            "blue",
            None,
            None,
            "You must provide MoveToVersionId, RemoveFromVersionId, or both of them.",
        ),
    ],
)
def test_a_wrong_move_is_refused_and_changes_nothing(
    manager: SecretsManager, stage: str, to: int | None, remove_from: int | None, text: str
) -> None:
    """The refusal says where the label is and what to name."""
    before = labels_of(manager)

    with pytest.raises(InvalidParameter) as refused:
        move(manager, stage, to=to, remove_from=remove_from)

    assert str(refused.value) == text
    assert labels_of(manager) == before


@pytest.mark.parametrize("named", ["to", "remove_from"])
def test_a_version_that_is_not_there_is_not_found(manager: SecretsManager, named: str) -> None:
    """Both versions have to exist."""
    with pytest.raises(ResourceNotFound, match=f"VersionId: {token(9)}"):
        move(manager, "blue", **{named: 9})


def test_current_needs_a_value(manager: SecretsManager, store: Store) -> None:
    """A version that a rotation has only prepared can't be AWSCURRENT."""
    begin_rotation(store, "db", token=token(4), state=MachineState())

    with pytest.raises(InvalidRequest, match="has no value yet"):
        move(manager, "AWSCURRENT", to=4, remove_from=3)


def test_a_deleted_secret_keeps_its_labels(manager: SecretsManager) -> None:
    """A secret that is marked for deletion refuses."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        move(manager, "blue", to=1)
