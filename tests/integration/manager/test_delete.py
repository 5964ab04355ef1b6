"""DeleteSecret and RestoreSecret."""

from datetime import timedelta

import pytest

from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.model.filters import SecretFilter
from rotator.sdk import Authority
from tests.support.manager import ME, THE_ENGINE, value


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"))


@pytest.mark.parametrize(("asked", "days"), [(None, 30), (7, 7), (30, 30)])
def test_a_deleted_secret_can_be_restored(
    manager: SecretsManager, asked: int | None, days: int
) -> None:
    """Within the recovery window it is only marked; a restored secret has its value again."""
    deletion = manager.delete_secret(**ME, secret_id="db", recovery_window_in_days=asked)

    marked = manager.describe_secret(**ME, secret_id="db")
    assert marked.deleted_at is not None
    assert marked.purge_at == deletion.deletion_date == marked.deleted_at + timedelta(days=days)
    restored = manager.restore_secret(**ME, secret_id="db")
    assert restored.arn == deletion.arn
    again = manager.describe_secret(**ME, secret_id="db")
    assert (again.deleted_at, again.purge_at) == (None, None)
    assert manager.get_secret_value(**ME, secret_id="db").value == value("v1")


@pytest.mark.parametrize("days", [6, 31])
def test_the_window_has_limits(manager: SecretsManager, days: int) -> None:
    """7 to 30 days."""
    with pytest.raises(InvalidParameter) as refused:
        manager.delete_secret(**ME, secret_id="db", recovery_window_in_days=days)

    assert str(refused.value) == (
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
    )


def test_a_window_and_force_contradict_each_other(manager: SecretsManager) -> None:
    """One or the other."""
    with pytest.raises(InvalidParameter) as refused:
        manager.delete_secret(
            **ME, secret_id="db", recovery_window_in_days=7, force_without_recovery=True
        )

    assert str(refused.value) == (
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
    )


def test_deleting_twice_is_refused(manager: SecretsManager) -> None:
    """A mark isn't moved by a second one."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        manager.delete_secret(**ME, secret_id="db", recovery_window_in_days=7)


@pytest.mark.parametrize("marked", [False, True])
def test_force_removes_at_once(manager: SecretsManager, marked: bool) -> None:
    """Marked before or not, the secret is gone and its name is free."""
    if marked:
        manager.delete_secret(**ME, secret_id="db")

    manager.delete_secret(**ME, secret_id="db", force_without_recovery=True)

    with pytest.raises(ResourceNotFound):
        manager.describe_secret(**ME, secret_id="db")
    with pytest.raises(ResourceNotFound):
        manager.restore_secret(**ME, secret_id="db")
    assert manager.create_secret(**ME, name="db").version_id is None


def test_forcing_what_is_missing_succeeds(manager: SecretsManager) -> None:
    """The end is the same."""
    deletion = manager.delete_secret(**ME, secret_id="missing", force_without_recovery=True)

    assert deletion.name == "missing"
    with pytest.raises(ResourceNotFound):
        manager.delete_secret(**ME, secret_id="missing")


def test_a_deleted_secret_is_not_due(manager: SecretsManager) -> None:
    """Its schedule stops with the mark and goes on after the restoration."""
    rules = RotationRules(schedule_expression="rate(10 days)")
    manager.set_rotation(**ME, secret_id="db", rotator="generic", rules=rules)

    manager.delete_secret(**ME, secret_id="db")
    while_marked = manager.get_rotation(**ME, secret_id="db")
    manager.restore_secret(**ME, secret_id="db")

    assert while_marked is not None
    assert (while_marked.due_at, while_marked.window_end) == (None, None)
    afterwards = manager.get_rotation(**ME, secret_id="db")
    assert afterwards is not None
    assert afterwards.due_at is not None


def test_restoring_what_is_not_deleted_changes_nothing(manager: SecretsManager) -> None:
    """A secret in use stays in use."""
    manager.restore_secret(**ME, secret_id="db")

    assert manager.get_secret_value(**ME, secret_id="db").value == value("v1")


class TestAdminSecret:
    """A secret that the rotations of others need."""

    @pytest.fixture(autouse=True)
    def _users(self, manager: SecretsManager) -> None:
        for number in range(7):
            self.administer(manager, f"user{number}", admin="db")

    def administer(self, manager: SecretsManager, name: str, *, admin: str | None) -> None:
        if not manager.list_secrets(**ME, where=SecretFilter(name_prefix=name)).secrets:
            manager.create_secret(**ME, name=name, value=value("v1"))
        manager.set_rotation(
            **ME, secret_id=name, rotator="generic", authority=Authority(admin=admin)
        )

    @pytest.mark.parametrize("force", [False, True])
    def test_it_is_not_deleted_under_them(self, manager: SecretsManager, force: bool) -> None:
        """Marked or removed, the refusal names five of them and what to do."""
        with pytest.raises(InvalidRequest) as refused:
            manager.delete_secret(**ME, secret_id="db", force_without_recovery=force)

        message = str(refused.value)
        assert message.count("user") == 6  # five, and one in the command that mends it
        assert "and others" in message
        assert "--admin SECRET" in message
        assert "--no-admin" in message
        assert manager.describe_secret(**ME, secret_id="db").deleted_at is None

    def test_it_can_be_deleted_when_nobody_needs_it(self, manager: SecretsManager) -> None:
        """Secrets with another admin, and those that are marked for deletion, hold it no more."""
        for number in range(6):
            self.administer(manager, f"user{number}", admin=None)
        with pytest.raises(InvalidRequest, match="db is the admin secret of user6: "):
            manager.delete_secret(**ME, secret_id="db")
        manager.delete_secret(**ME, secret_id="user6")

        manager.delete_secret(**ME, secret_id="db")

        assert manager.describe_secret(**ME, secret_id="db").deleted_at is not None

    def test_others_than_a_person_at_the_command_line_may(self, manager: SecretsManager) -> None:
        """The real service knows no admin secrets when it deletes, so only local callers are held back."""
        manager.delete_secret(**THE_ENGINE, secret_id="db")

        assert manager.describe_secret(**ME, secret_id="db").deleted_at is not None
