"""Many secrets at once: what an export asks of the manager."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from rotator.errors import InvalidRequest, ResourceNotFound
from rotator.manager import exporting
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret
from rotator.model.filters import SecretFilter
from rotator.store import secrets
from rotator.store.store import Store
from rotator.store.tables import audit, versions
from tests.support.manager import ME, row_id, token, value


def exported(
    manager: SecretsManager, where: SecretFilter | None = None, *, all_versions: bool = False
) -> list[PortableSecret]:
    found: list[PortableSecret] = []
    cursor = None
    while True:
        page = manager.export_secrets(**ME, where=where, all_versions=all_versions, cursor=cursor)
        assert page.unreadable == ()
        found += page.secrets
        cursor = page.next_cursor
        if cursor is None:
            return found


def records(store: Store) -> int:
    with store.read() as tx:
        found = tx.connection.execute(select(audit).where(audit.c.event == "GetSecretValue"))
        return len(found.all())


@pytest.fixture(autouse=True)
def _secrets(manager: SecretsManager) -> None:
    manager.create_secret(
        **ME,
        name="app/db",
        value=value("v1"),
        client_request_token=token(1),
        description="the database",
        tags={"team": "a"},
    )
    manager.put_secret_value(
        **ME, secret_id="app/db", value=value("v2"), client_request_token=token(2)
    )
    manager.create_secret(**ME, name="app/empty")
    manager.create_secret(**ME, name="other", value=value("o1"), client_request_token=token(3))


def test_what_leaves_one_store_is_what_another_takes(manager: SecretsManager) -> None:
    """All that an export has, with all of its versions, makes the same secrets again."""
    before = exported(manager, all_versions=True)
    for secret in before:
        manager.delete_secret(**ME, secret_id=secret.name, force_without_recovery=True)
    manager.create_secrets(**ME, wanted=before)
    after = exported(manager, all_versions=True)
    assert sorted(after, key=lambda s: s.name) == sorted(before, key=lambda s: s.name)


def test_the_current_version_alone_is_the_default(manager: SecretsManager) -> None:
    """Older versions and their labels come along only where they are asked for."""
    database, empty, _ = exported(manager)
    assert (database.name, database.description, database.tags) == (
        "app/db",
        "the database",
        {"team": "a"},
    )
    assert [(v.version_id, v.stages) for v in database.versions] == [(token(2), ("AWSCURRENT",))]
    assert database.current == value("v2")
    assert empty.versions == ()

    database, _, _ = exported(manager, all_versions=True)
    assert [(v.version_id, v.stages) for v in database.versions] == [
        (token(1), ("AWSPREVIOUS",)),
        (token(2), ("AWSCURRENT",)),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_have_each_secret_once(
    manager: SecretsManager, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Whatever the size of a page."""
    monkeypatch.setattr(exporting, "PAGE", size)
    assert [secret.name for secret in exported(manager)] == ["app/db", "app/empty", "other"]
    assert [s.name for s in exported(manager, SecretFilter(name_prefix="app/"))] == [
        "app/db",
        "app/empty",
    ]


def test_each_value_that_is_read_leaves_a_record(manager: SecretsManager, store: Store) -> None:
    """Every version is recorded by itself, and no export counts as access."""
    exported(manager)
    assert records(store) == 2
    exported(manager, all_versions=True)
    assert records(store) == 2 + 3
    assert manager.describe_secret(**ME, secret_id="app/db").accessed_on is None


def test_one_that_can_not_be_opened_is_told_and_keeps_no_other_back(
    manager: SecretsManager, store: Store
) -> None:
    """An altered row is left out, by name and with the reason."""
    with store.write() as tx:
        altered = update(versions).where(versions.c.version_id == token(2))
        tx.connection.execute(altered.values(ciphertext=b"x" * 40))
    page = manager.export_secrets(**ME)
    assert [secret.name for secret in page.secrets] == ["app/empty", "other"]
    [unreadable] = page.unreadable
    assert unreadable.name == "app/db"
    assert "can't be opened" in unreadable.reason


def test_a_named_secret_has_to_be_there(manager: SecretsManager) -> None:
    """One that isn't, or is marked for deletion, is refused; a list leaves the latter out."""
    [found] = manager.export_secret(**ME, secret_id="other").secrets
    assert found.current == value("o1")
    manager.delete_secret(**ME, secret_id="other")
    with pytest.raises(InvalidRequest):
        manager.export_secret(**ME, secret_id="other")
    with pytest.raises(ResourceNotFound):
        manager.export_secret(**ME, secret_id="nowhere")
    assert [secret.name for secret in exported(manager)] == ["app/db", "app/empty"]


def test_an_export_waits_for_the_read_barrier(manager: SecretsManager, store: Store) -> None:
    """While a value is being changed it isn't given out, and the wait holds no transaction."""
    with store.write() as tx:
        until = tx.now + timedelta(seconds=30)
        secrets.update(tx, row_id(tx, "app/db"), barrier_raised_at=tx.now, barrier_until=until)

    waits: list[float] = []

    def lower(seconds: float) -> None:
        waits.append(seconds)
        manager.put_secret_value(**ME, secret_id="app/db", value=value("v3"))
        with store.write() as tx:
            secrets.update(tx, row_id(tx, "app/db"), barrier_raised_at=None, barrier_until=None)

    sleep: Callable[[float], None] = lower
    page = manager.export_secrets(**ME, sleep=sleep)
    assert page.secrets[0].current == value("v3")
    assert len(waits) == 1
