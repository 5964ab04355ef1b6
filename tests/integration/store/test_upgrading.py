"""A store of the first release comes to this one with all that is in it, and whole or not at all."""

import base64
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.errors import StoreUnavailable
from rotator.manager.manager import SecretsManager
from rotator.sdk import SecretValue
from rotator.store import audit_checkpoints, audit_verifying, schema
from rotator.store.audit_checkpoints import Reason
from rotator.store.database import Database
from rotator.store.schema import Asked, SchemaState
from rotator.store.sealing import verify_sealing_key
from rotator.store.search import Place
from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support import older_store
from tests.support.command import RotateCommand
from tests.support.manager import ALICE, ME, row_id
from tests.support.processes import processes
from tests.support.store import AUDIT_KEY, AUDIT_KEY_TEXT, only_postgresql, only_sqlite
from tests.support.words import kept_words, wanted_words

BEFORE = "0004"
"""A revision that has an audit."""


@pytest.fixture
def older_url(empty_url: str) -> str:
    """A store as the first release left it."""
    older_store.load(empty_url)
    return empty_url


@pytest.fixture
def older_sealer(tmp_path: Path) -> Sealer:
    """Opens the values of that store."""
    return Sealer(FileKeyProvider(older_store.copy_keyring(tmp_path)))


def _upgrade(url: str) -> None:
    database = Database.connect(url, create=False)
    schema.upgrade(database)
    database.close()


def _state(url: str) -> SchemaState:
    database = Database.connect(url, create=False)
    try:
        return schema.check(database)
    finally:
        database.close()


def _plain(value: SecretValue) -> Any:
    if value.string is not None:
        return value.string
    assert value.binary is not None
    return {"base64": base64.b64encode(value.binary).decode()}


def test_no_row_of_an_older_store_is_lost_or_changed(older_url: str) -> None:
    """Every column that the first release wrote holds after the upgrade what it held before."""
    old = older_store.columns(older_url)
    before = older_store.contents(older_url, only=old)
    assert all(before.values())
    _upgrade(older_url)
    assert _state(older_url) is SchemaState.CURRENT
    assert older_store.contents(older_url, only=old) == before


def test_every_value_label_and_tag_of_an_older_store_is_read(
    older_url: str, older_sealer: Sealer, open_store: Callable[[str], Store]
) -> None:
    """This release opens each version that the first one sealed, under the labels that it had; then it goes on."""
    _upgrade(older_url)
    store = open_store(older_url)
    assert store.begin_audit()
    verify_sealing_key(store, older_sealer)
    manager = SecretsManager(store, older_sealer)
    manager.restore_secret(**ME, secret_id="app/old")
    for name, kept in older_store.values().items():
        described = manager.describe_secret(**ME, secret_id=name)
        labels = {label: version for version, on in described.versions.items() for label in on}
        assert labels == kept["labels"]
        for version_id, value in kept["values"].items():
            got = manager.get_secret_value(**ME, secret_id=name, version_id=version_id)
            assert _plain(got.value) == value
    assert manager.describe_secret(**ME, secret_id="app/token").tags == {
        "team": "payments",
        "env": "prod",
    }
    manager.put_secret_value(**ME, secret_id="app/token", value=SecretValue(string="fourth"))
    assert manager.get_secret_value(**ME, secret_id="app/token").value.string == "fourth"
    made = manager.create_secret(**ME, name="app/new", value=SecretValue(string="new"))
    with store.read() as tx:
        assert row_id(tx, made.arn) > len(older_store.values())


def test_the_values_of_an_older_store_move_to_another_sealing_key(
    older_url: str, older_sealer: Sealer, open_store: Callable[[str], Store]
) -> None:
    """What the first release bound to the id of its sealing key is rewrapped like any other value, and opens."""
    _upgrade(older_url)
    store = open_store(older_url)
    store.begin_audit()
    verify_sealing_key(store, older_sealer)
    manager = SecretsManager(store, older_sealer)
    manager.restore_secret(**ME, secret_id="app/old")
    manager.rotate_key(**ME)
    kept = older_store.values()
    assert manager.rewrap_keys(**ME).moved == sum(len(each["values"]) for each in kept.values())
    for name, each in kept.items():
        for version_id, value in each["values"].items():
            got = manager.get_secret_value(**ME, secret_id=name, version_id=version_id)
            assert _plain(got.value) == value


@only_sqlite
def test_an_older_sqlite_store_is_upgraded_when_it_is_opened(older_url: str) -> None:
    """The embedded default comes to this release by itself."""
    Store.open(older_url, create=False).close()
    assert _state(older_url) is SchemaState.CURRENT


@only_postgresql
def test_an_older_postgresql_store_waits_for_the_command(older_url: str, tmp_path: Path) -> None:
    """A shared store is refused as it is, and `rotate db upgrade` brings it to this release."""
    before = older_store.contents(older_url)
    with pytest.raises(StoreUnavailable, match="rotate db upgrade"):
        Store.open(older_url, create=False)
    assert older_store.contents(older_url) == before
    rotate = RotateCommand(home=tmp_path, environment={"ROTATOR_STORE_URL": older_url})
    assert rotate.json("db", "upgrade")["before"] == "behind"
    Store.open(older_url, create=False).close()


def test_a_newer_store_is_left_untouched(older_url: str) -> None:
    """Neither opening nor upgrading changes anything in a store of a later release."""
    database = Database.connect(older_url, create=False)
    with database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        tx.connection.exec_driver_sql("CREATE TABLE of_a_later_release (id integer)")
    before = older_store.contents(older_url)
    with pytest.raises(StoreUnavailable, match="later release"):
        Store.open(older_url, create=False)
    with pytest.raises(StoreUnavailable, match="later release"):
        schema.upgrade(database)
    database.close()
    assert older_store.contents(older_url) == before


def test_a_kill_in_mid_upgrade_leaves_the_old_store_or_the_new_one(older_url: str) -> None:
    """SIGKILL after each statement of the upgrade in turn: the store is as it was, until it is upgraded."""
    old = older_store.columns(older_url)
    before = older_store.contents(older_url, only=old)
    killed = 0
    while True:
        process = processes.Process(target=older_store.upgrade_until, args=(older_url, killed + 1))
        process.start()
        process.join()
        state = _state(older_url)
        assert older_store.contents(older_url, only=old) == before
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
        assert state is SchemaState.BEHIND
        assert older_store.columns(older_url) == old
    assert killed > 10
    assert state is SchemaState.CURRENT
    Store.open(older_url, create=False).close()


def test_older_secrets_are_found_by_their_words(
    older_url: str, open_store: Callable[[str], Store]
) -> None:
    """The upgrade enters the words of every secret that was there."""
    _upgrade(older_url)
    store = open_store(older_url)

    assert kept_words(store) == wanted_words(store)
    assert any(place is Place.TAG for found in kept_words(store).values() for place, _ in found)


@pytest.fixture
def audited_url(empty_url: str) -> str:
    """A store of the release before, whose audit was begun."""
    Database.connect(empty_url, create=True).close()
    older_store.migrate(empty_url, to=BEFORE)
    database = Database.connect(empty_url, create=False)
    with database.write() as tx:
        audit_checkpoints.begin(tx, AUDIT_KEY.load(), reason=Reason.BEGUN)
    database.close()
    return empty_url


def _upgrades(url: str) -> list[tuple[Any, ...]]:
    store = Store.open(url, create=False, audit_key=AUDIT_KEY)
    found = select(audit.c.principal, audit.c.detail).where(audit.c.event == schema.UPGRADED)
    with store.read() as tx:
        recorded = [tuple(row) for row in tx.execute(found)]
    assert audit_verifying.verify(store).faults == ()
    store.close()
    return recorded


def test_an_upgrade_is_recorded_in_its_own_transaction(audited_url: str, tmp_path: Path) -> None:
    """Who upgraded from which revision to which; without the audit's key the store stays as it was. The audit holds."""
    environment = {"ROTATOR_STORE_URL": audited_url}
    rotate = RotateCommand(home=tmp_path, environment=environment)
    refused = rotate("db", "upgrade")
    assert (refused.code, "audit key" in refused.err) == (8, True)
    assert _state(audited_url) is SchemaState.BEHIND
    rotate = RotateCommand(
        home=tmp_path, environment={**environment, "ROTATOR_AUDIT_KEY": AUDIT_KEY_TEXT}
    )
    planned = rotate.json("db", "upgrade", "--dry-run")
    assert (planned["from"], planned["to"]) == (BEFORE, schema.REVISIONS[-1])
    assert _state(audited_url) is SchemaState.BEHIND
    rotate.ok("db", "upgrade")
    [(principal, detail)] = _upgrades(audited_url)
    assert principal.startswith("local:")
    assert detail == {"from": BEFORE, "to": schema.REVISIONS[-1]}
    rotate.ok("db", "upgrade")
    assert len(_upgrades(audited_url)) == 1


@only_sqlite
def test_the_upgrade_of_a_store_that_is_opened_is_recorded_too(audited_url: str) -> None:
    """For the caller that opened it."""
    asked_by = Asked(caller=ALICE, request_id="request-1")
    Store.open(audited_url, create=False, audit_key=AUDIT_KEY, asked_by=asked_by).close()
    assert _upgrades(audited_url) == [("local:alice", {"from": BEFORE, "to": schema.REVISIONS[-1]})]
