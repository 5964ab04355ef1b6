"""PutSecretValue."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from rotator.errors import (
    InvalidRequest,
    LimitExceeded,
    ResourceExists,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.store import secrets, versions
from rotator.store.store import Store
from tests.support.manager import ME, row_id, token, value


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))


def put(manager: SecretsManager, number: int, *stages: str) -> tuple[str, ...]:
    """Puts the value of a number under its token; gives the labels that the answer shows."""
    stored = manager.put_secret_value(
        **ME,
        secret_id="db",
        value=value(f"v{number}"),
        client_request_token=token(number),
        version_stages=stages or None,
    )
    assert stored.version_id == token(number)
    return stored.stages


def labels_of(manager: SecretsManager) -> dict[str, tuple[str, ...]]:
    return dict(manager.describe_secret(**ME, secret_id="db").versions)


def test_a_new_value_becomes_current(manager: SecretsManager) -> None:
    """The old current version becomes AWSPREVIOUS, and the older previous one loses its label."""
    assert put(manager, 2) == ("AWSCURRENT",)
    assert put(manager, 3) == ("AWSCURRENT",)

    assert labels_of(manager) == {token(3): ("AWSCURRENT",), token(2): ("AWSPREVIOUS",)}
    assert manager.get_secret_value(**ME, secret_id="db").value == value("v3")
    previous = manager.get_secret_value(**ME, secret_id="db", version_stage="AWSPREVIOUS")
    assert previous.value == value("v2")


def test_custom_labels_leave_the_current_version(manager: SecretsManager) -> None:
    """With custom labels only, AWSCURRENT stays, and the labels leave the versions that had them."""
    put(manager, 2, "blue", "green")
    assert put(manager, 3, "blue") == ("blue",)

    assert labels_of(manager) == {
        token(1): ("AWSCURRENT",),
        token(2): ("green",),
        token(3): ("blue",),
    }


def test_the_first_value_is_current_even_with_custom_labels(manager: SecretsManager) -> None:
    """A secret that ever had a value has a current one."""
    manager.create_secret(**ME, name="empty")

    stored = manager.put_secret_value(
        **ME, secret_id="empty", value=value("v1"), version_stages=["blue"]
    )

    assert stored.stages == ("AWSCURRENT", "blue")


def test_the_same_put_again_changes_nothing(manager: SecretsManager) -> None:
    """Same token, same value: the same answer, though other versions came since."""
    put(manager, 2)
    put(manager, 3)

    assert put(manager, 2) == ("AWSPREVIOUS",)
    assert labels_of(manager) == {token(3): ("AWSCURRENT",), token(2): ("AWSPREVIOUS",)}


def test_the_same_token_with_another_value_is_refused(manager: SecretsManager) -> None:
    """A token stands for one value of one secret."""
    arn = manager.describe_secret(**ME, secret_id="db").arn

    with pytest.raises(ResourceExists) as refused:
        manager.put_secret_value(
            **ME, secret_id="db", value=value("other"), client_request_token=token(1)
        )

    assert str(refused.value) == (
        f"You can't use ClientRequestToken {token(1)} because that value is already in use for a version of "
        f"secret {arn}."
    )


def test_without_a_token_every_put_is_a_version(manager: SecretsManager) -> None:
    """The same value twice without a token makes two versions."""
    first = manager.put_secret_value(**ME, secret_id="db", value=value("same"))
    second = manager.put_secret_value(**ME, secret_id="db", value=value("same"))

    assert first.version_id != second.version_id


def test_the_21st_label_is_refused(manager: SecretsManager) -> None:
    """At the limit nothing is stored."""
    put(manager, 2, *(f"custom-{number}" for number in range(19)))

    with pytest.raises(LimitExceeded):
        put(manager, 3, "one-more")

    with pytest.raises(ResourceNotFound):
        manager.get_secret_value(**ME, secret_id="db", version_id=token(3))


@pytest.mark.parametrize("stages", [[], [""], ["x" * 257]], ids=["none", "empty", "long"])
def test_labels_have_to_be_well_formed(manager: SecretsManager, stages: list[str]) -> None:
    """No label at all, an empty one and one of 257 characters are refused."""
    with pytest.raises(ValidationError, match="'versionStages"):
        manager.put_secret_value(**ME, secret_id="db", value=value("v2"), version_stages=stages)


def test_a_deleted_secret_takes_no_value(manager: SecretsManager) -> None:
    """A secret that is marked for deletion refuses with the recorded text."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest) as refused:
        put(manager, 2)

    assert str(refused.value) == (
        "You can't perform this operation on the secret because it was marked for deletion."
    )


def test_a_missing_secret_takes_no_value(manager: SecretsManager) -> None:
    """There is no secret to put it into."""
    with pytest.raises(ResourceNotFound, match="can't find the specified secret"):
        manager.put_secret_value(**ME, secret_id="missing", value=value("v1"))


def test_creation_times_of_versions_are_distinct(manager: SecretsManager) -> None:
    """Versions that come in a burst differ in the milliseconds that the API shows."""
    for number in range(2, 12):
        put(manager, number)

    page = manager.list_secret_version_ids(**ME, secret_id="db", include_deprecated=True)

    milliseconds = [round(entry.created_at.timestamp(), 3) for entry in page.versions]
    assert [entry.version_id for entry in page.versions] == [token(n) for n in range(1, 12)]
    assert sorted(set(milliseconds)) == milliseconds


def test_only_one_of_several_values_for_a_token_is_stored(manager: SecretsManager) -> None:
    """Of concurrent puts under one token with different values one wins; the others are refused."""

    def attempt(number: int) -> bool:
        try:
            manager.put_secret_value(
                **ME, secret_id="db", value=value(f"w{number}"), client_request_token=token(2)
            )
        except ResourceExists:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(attempt, range(8)))

    assert stored.count(True) == 1
    winner = value(f"w{stored.index(True)}")
    assert manager.get_secret_value(**ME, secret_id="db").value == winner


def test_concurrent_puts_leave_one_current_version(manager: SecretsManager) -> None:
    """Puts of several writers queue up: every label is on one version, and none is lost."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: put(manager, number), range(2, 18)))

    at = labels_of(manager)
    assert sorted(label for labels in at.values() for label in labels) == [
        "AWSCURRENT",
        "AWSPREVIOUS",
    ]
    page = manager.list_secret_version_ids(**ME, secret_id="db", include_deprecated=True)
    assert len(page.versions) == 17
    assert at[page.versions[-1].version_id] == ("AWSCURRENT",)


def test_versions_beyond_a_hundred_without_label_are_pruned(
    manager: SecretsManager, store: Store
) -> None:
    """The oldest go, but none that has a label, is pinned or younger than 24 hours."""
    with store.write() as tx:
        secret_id = row_id(tx, "db")
        for number in range(100, 205):
            versions.insert(tx, secret_id=secret_id, version_id=token(number), sealed=None)
        versions.set_pinned(tx, secret_id=secret_id, version_id=token(101), pinned=True)
        tx.connection.execute(
            text("UPDATE versions SET created_at = created_at - :day WHERE version_id < :first"),
            {"day": 25 * 3600 * 1_000_000, "first": token(104)},
        )

    put(manager, 2)

    with store.read() as tx:
        kept = versions.many(tx, row_id(tx, "db"), [token(n) for n in range(300)])
    gone = {number for number in (1, 2, *range(100, 205)) if token(number) not in kept}
    assert gone == {100, 102, 103}


class TestSchedules:
    """A value put by hand counts as a rotation for a rate."""

    def test_a_rate_counts_from_the_put(self, manager: SecretsManager, store: Store) -> None:
        """The window moves on with the value."""
        manager.set_rotation(
            **ME,
            secret_id="db",
            rotator="generic",
            rules=RotationRules(schedule_expression="rate(4 hours)"),
        )
        with store.write() as tx:
            secret_id = row_id(tx, "db")
            secrets.update(tx, secret_id, window_start=tx.now, window_end=tx.now, due_at=tx.now)
            stale = tx.now

        put(manager, 2)

        settings = manager.get_rotation(**ME, secret_id="db")
        assert settings is not None
        assert settings.due_at is not None
        assert settings.due_at > stale
        assert settings.rotated_at is None

    @pytest.mark.parametrize("stages", [(), ("blue",)], ids=["cron", "custom label"])
    def test_nothing_else_moves_the_window(
        self, manager: SecretsManager, stages: tuple[str, ...]
    ) -> None:
        """A cron expression names its windows whatever happens; a custom label rotates nothing."""
        rules = "rate(4 hours)" if stages else "cron(0 4 * * ? *)"
        before = manager.set_rotation(
            **ME,
            secret_id="db",
            rotator="generic",
            rules=RotationRules(schedule_expression=rules),
        )

        put(manager, 2, *stages)

        assert manager.get_rotation(**ME, secret_id="db") == before
