"""What the label algebra refuses, in the real service's words where they were recorded."""

import pytest

from rotator.errors import InvalidParameter, LimitExceeded
from rotator.model.labels import CURRENT, MAX_LABELS, PENDING, PREVIOUS, Labels

CROWDED = {f"custom-{number}": "v1" for number in range(MAX_LABELS - 2)}


def test_a_label_elsewhere_has_to_be_named() -> None:
    """Moving a label away from a version without naming it is refused with the recorded text."""
    labels = Labels({CURRENT: "v1"})

    with pytest.raises(InvalidParameter) as refused:
        labels.move(CURRENT, to="v2", remove_from=None)

    assert str(refused.value) == (
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to "
        "version v1, so you must explicitly reference that version in RemoveFromVersionId."
    )


@pytest.mark.parametrize(
    ("holder", "where"),
    [({}, "no version"), ({"blue": "v3"}, "version v3")],
    ids=["nowhere", "elsewhere"],
)
def test_a_label_is_only_taken_from_where_it_is(holder: dict[str, str], where: str) -> None:
    """Naming a version that doesn't carry the label is refused, and the refusal says where it is."""
    with pytest.raises(InvalidParameter) as refused:
        Labels(holder).move("blue", to="v2", remove_from="v1")

    assert str(refused.value).endswith(f"It is attached to {where}.")


def test_current_is_never_removed() -> None:
    """AWSCURRENT moves, but is never taken off a secret."""
    with pytest.raises(InvalidParameter, match="can't be completely removed"):
        Labels({CURRENT: "v1"}).move(CURRENT, to=None, remove_from="v1")


def test_a_move_that_is_done_already_changes_nothing() -> None:
    """Moving AWSCURRENT to the version that has it leaves AWSPREVIOUS where it is."""
    labels = Labels({CURRENT: "v2", PREVIOUS: "v1"})

    assert labels.move(CURRENT, to="v2", remove_from=None) == labels


def test_moving_current_leaves_pending() -> None:
    """UpdateSecretVersionStage puts AWSCURRENT beside AWSPENDING on the same version."""
    labels = Labels({CURRENT: "v1", PENDING: "v2"})

    moved = labels.move(CURRENT, to="v2", remove_from="v1")

    assert moved.by_version() == {"v1": (PREVIOUS,), "v2": (CURRENT, PENDING)}


def test_the_first_value_is_current_whatever_is_asked_for() -> None:
    """The first value of a secret gets AWSCURRENT even where only a custom label was named."""
    assert Labels().first("v1", ["blue"]).of("v1") == (CURRENT, "blue")


def test_twenty_labels_are_the_limit() -> None:
    """The 21st label is refused, and the refusal says what to do."""
    labels = Labels({**CROWDED, CURRENT: "v1", "last": "v1"})

    with pytest.raises(LimitExceeded, match="Remove a label that is no longer used first"):
        labels.put("v2", ["one-more"])


def test_a_secret_above_the_limit_is_not_stuck() -> None:
    """One that has more than 20 labels, from wherever, goes on rotating with those that it has; it gets no more."""
    labels = Labels({**CROWDED, CURRENT: "v1", PREVIOUS: "v0", "last": "v1", "one-more": "v1"})
    assert len(labels.at) > MAX_LABELS

    assert labels.put("v2").version(PREVIOUS) == "v1"
    with pytest.raises(LimitExceeded):
        labels.put("v2", ["yet-another"])


def test_a_rotation_that_began_can_end_at_the_limit() -> None:
    """With 20 labels, AWSPENDING among them, finishing has room for AWSPREVIOUS."""
    labels = Labels({**CROWDED, CURRENT: "v1", PENDING: "v2"})

    finished = labels.finish("v2")

    assert (finished.version(CURRENT), finished.version(PREVIOUS)) == ("v2", "v1")
    assert finished.version(PENDING) is None


def test_finishing_leaves_another_versions_pending() -> None:
    """Finishing takes AWSPENDING from its own token only."""
    labels = Labels({CURRENT: "v1", PENDING: "v3"})

    assert labels.finish("v2").version(PENDING) == "v3"


def test_labels_cannot_be_changed_in_place() -> None:
    """The mapping inside is read-only."""
    with pytest.raises(TypeError):
        Labels({CURRENT: "v1"}).at[CURRENT] = "v2"  # type: ignore[index]
