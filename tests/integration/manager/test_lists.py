"""ListSecrets and ListSecretVersionIds: order, filters, pages."""

import pytest

from rotator.errors import InvalidParameter, ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.model.filters import SecretFilter
from tests.support.manager import ME, token, value


def names(
    manager: SecretsManager, where: SecretFilter | None = None, *, page: int = 100
) -> list[str]:
    """All pages, one after the other."""
    found: list[str] = []
    cursor = None
    while True:
        answer = manager.list_secrets(**ME, where=where, cursor=cursor, max_results=page)
        found += [secret.name for secret in answer.secrets]
        cursor = answer.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("page", [1, 2, 5, 6, 100])
def test_secrets_come_in_the_order_of_their_creation(manager: SecretsManager, page: int) -> None:
    """Whatever the size of the page, every secret comes once."""
    made = ["e", "a", "d", "b", "c"]
    for name in made:
        manager.create_secret(**ME, name=name)

    assert names(manager, page=page) == made


def test_pages_are_stable_under_writes(manager: SecretsManager) -> None:
    """What comes and goes between two pages neither repeats a secret nor hides one."""
    for name in ("a", "b", "c", "d"):
        manager.create_secret(**ME, name=name)
    first = manager.list_secrets(**ME, max_results=2)
    manager.delete_secret(**ME, secret_id="a", force_without_recovery=True)
    manager.delete_secret(**ME, secret_id="b", force_without_recovery=True)
    manager.create_secret(**ME, name="aa")
    manager.put_secret_value(**ME, secret_id="c", value=value("v1"))

    second = manager.list_secrets(**ME, cursor=first.next_cursor, max_results=2)
    third = manager.list_secrets(**ME, cursor=second.next_cursor, max_results=2)

    assert [secret.name for secret in second.secrets] == ["c", "d"]
    assert [secret.name for secret in third.secrets] == ["aa"]
    assert third.next_cursor is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SecretFilter(name_prefix="app/"), ["app/one", "app/two"]),
        (SecretFilter(name_prefix="app_"), ["app_three"]),
        (SecretFilter(name_prefix="APP"), ["APP/four"]),
        (SecretFilter(name_prefix=""), ["app/one", "app/two", "app_three", "APP/four", "zed"]),
        (SecretFilter(tags={"team": "a"}), ["app/one", "app_three"]),
        (SecretFilter(tags={"team": "a", "env": "test"}), ["app/one"]),
        (SecretFilter(name_prefix="app", tags={"team": "b"}), ["app/two"]),
        (SecretFilter(tags={"team": "A"}), []),
    ],
)
def test_filters_narrow_the_list(
    manager: SecretsManager, where: SecretFilter, expected: list[str]
) -> None:
    """A case-sensitive prefix of the name, and tags that all have to be there."""
    for name, tags in (
        ("app/one", {"team": "a", "env": "test"}),
        ("app/two", {"team": "b", "env": "test"}),
        ("app_three", {"team": "a", "env": "live"}),
        ("APP/four", {}),
        ("zed", {"env": "test"}),
    ):
        manager.create_secret(**ME, name=name, tags=tags)

    assert names(manager, where, page=2) == expected


def test_marked_secrets_are_listed_on_request_only(manager: SecretsManager) -> None:
    """A secret that is marked for deletion shows with include_deleted."""
    manager.create_secret(**ME, name="kept")
    manager.create_secret(**ME, name="marked")
    manager.delete_secret(**ME, secret_id="marked")

    assert names(manager) == ["kept"]
    assert names(manager, SecretFilter(include_deleted=True)) == ["kept", "marked"]


def test_an_entry_says_what_describe_says(manager: SecretsManager) -> None:
    """List and Describe show the same of a secret."""
    manager.create_secret(**ME, name="db", value=value("v1"), tags={"a": "b"}, description="d")
    manager.create_secret(**ME, name="other", value=value("v1"))

    [first, second] = manager.list_secrets(**ME).secrets

    assert first == manager.describe_secret(**ME, secret_id="db")
    assert second == manager.describe_secret(**ME, secret_id="other")


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "W10=", "WzEsImEiXQ==", "eyJhIjogMX0="])
def test_a_made_up_cursor_is_refused(manager: SecretsManager, cursor: str) -> None:
    """A cursor that this list didn't give is no place to begin."""
    with pytest.raises(InvalidParameter, match="NextToken"):
        manager.list_secrets(**ME, cursor=cursor)


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_has_1_to_100_entries(manager: SecretsManager, size: int) -> None:
    """Another size is refused."""
    with pytest.raises(InvalidParameter, match="between 1 and 100"):
        manager.list_secrets(**ME, max_results=size)


class TestVersions:
    """The versions of a secret."""

    @pytest.fixture(autouse=True)
    def _db(self, manager: SecretsManager) -> None:
        manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
        for number in range(2, 6):
            manager.put_secret_value(
                **ME, secret_id="db", value=value("v"), client_request_token=token(number)
            )

    def test_deprecated_ones_come_on_request_only(self, manager: SecretsManager) -> None:
        """By default only versions with a label are listed."""
        labelled = manager.list_secret_version_ids(**ME, secret_id="db").versions
        all_of_them = manager.list_secret_version_ids(
            **ME, secret_id="db", include_deprecated=True
        ).versions

        assert [(entry.version_id, entry.stages) for entry in labelled] == [
            (token(4), ("AWSPREVIOUS",)),
            (token(5), ("AWSCURRENT",)),
        ]
        assert [entry.version_id for entry in all_of_them] == [token(n) for n in range(1, 6)]
        assert all_of_them[0].stages == ()

    @pytest.mark.parametrize("page", [1, 2, 4, 5])
    def test_they_come_a_page_at_a_time(self, manager: SecretsManager, page: int) -> None:
        """Every version comes once, oldest first."""
        found: list[str] = []
        cursor = None
        while True:
            answer = manager.list_secret_version_ids(
                **ME, secret_id="db", include_deprecated=True, cursor=cursor, max_results=page
            )
            found += [entry.version_id for entry in answer.versions]
            cursor = answer.next_cursor
            if cursor is None:
                break

        assert found == [token(n) for n in range(1, 6)]

    def test_a_cursor_of_another_list_is_refused(self, manager: SecretsManager) -> None:
        """The two lists' cursors are not mixed up."""
        manager.create_secret(**ME, name="other")
        cursor = manager.list_secrets(**ME, max_results=1).next_cursor

        with pytest.raises(InvalidParameter):
            manager.list_secret_version_ids(**ME, secret_id="db", cursor=cursor)

    def test_a_missing_secret_has_no_versions(self, manager: SecretsManager) -> None:
        """It is not found."""
        with pytest.raises(ResourceNotFound):
            manager.list_secret_version_ids(**ME, secret_id="missing")
