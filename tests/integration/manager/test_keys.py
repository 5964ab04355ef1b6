"""The operations on sealing keys: what they tell, what they refuse, and what is on record of them."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rotator.crypto import keyring_file
from rotator.crypto.env_keys import EnvKeyProvider
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.crypto.providers import load_provider
from rotator.errors import (
    InvalidNextToken,
    InvalidParameter,
    InvalidRequest,
    KeyUnavailable,
    ResourceExists,
    ResourceNotFound,
    StoreUnavailable,
)
from rotator.manager.cursor import Cursors
from rotator.manager.key_descriptions import KeyStanding
from rotator.manager.manager import SecretsManager
from rotator.model.replication import ReplicaRegion
from rotator.sdk import KeyProviderSettings
from rotator.store.sealing import verify_sealing_key
from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support import plugins
from tests.support.keys import add_key, material, remove_key
from tests.support.manager import ME, REGION, value
from tests.support.rewraps import fill
from tests.support.store import AUDIT_KEY

_ARN = "arn:aws:kms:eu-central-1:123456789012:"
_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture(autouse=True)
def _verified(store: Store, sealer: Sealer) -> None:
    verify_sealing_key(store, sealer)


def _records(store: Store) -> list[tuple[str, str, Any]]:
    with store.read() as tx:
        rows = tx.connection.execute(select(audit).order_by(audit.c.shard, audit.c.seq)).all()
    assert {row.principal for row in rows} <= {"local:alice"}
    assert {row.request_id for row in rows} <= {"request-1"}
    return [(row.event, row.outcome, row.detail) for row in rows]


def test_keys_are_listed_with_what_they_seal(manager: SecretsManager, keyring: Path) -> None:
    """The active one first; a key that is missing is listed where versions are sealed under it."""
    fill(manager, secrets=2, versions_each=2)
    old = manager.list_keys(**ME)[0].key_id
    payments = manager.create_key(**ME, alias="alias/payments").key_id
    new = manager.rotate_key(**ME).key_id
    manager.create_secret(**ME, name="a", value=value("a"), kms_key_id=f"{_ARN}alias/payments")
    remove_key(keyring, old)
    listed = {key.key_id: key for key in manager.list_keys(**ME)}
    assert next(iter(listed)) == new
    assert {key_id: (key.state, key.active, key.versions) for key_id, key in listed.items()} == {
        new: (KeyStanding.ENABLED, True, 0),
        payments: (KeyStanding.ENABLED, False, 1),
        old: (KeyStanding.MISSING, False, 4),
    }
    assert listed[payments].aliases == ("alias/payments",)
    assert listed[payments].created_at is not None


def test_the_secrets_under_a_key_come_in_pages(manager: SecretsManager) -> None:
    """Each secret once, however many versions it has, with the count of all; an alias names the key too."""
    fill(manager, secrets=5, versions_each=2)
    key = manager.list_keys(**ME)[0].key_id
    manager.set_key_alias(**ME, alias="alias/a", key=key)
    names: list[str] = []
    cursor = None
    while True:
        page = manager.list_key_secrets(**ME, key="alias/a", cursor=cursor, max_results=2)
        assert (page.key_id, page.total) == (key, 5)
        names.extend(page.names)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert names == [f"secret-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "cursor",
    ["", "7", "nonsense", Cursors(AUDIT_KEY.load).encode((7,), of=("Other", "list"))],
    ids=["empty", "a number", "nonsense", "of another list"],
)
def test_a_cursor_of_no_list_of_secrets_under_a_key_is_refused(
    manager: SecretsManager, cursor: str
) -> None:
    """What isn't a cursor, or is another list's, is told as the caller's mistake."""
    with pytest.raises(InvalidNextToken):
        manager.list_key_secrets(**ME, key=manager.list_keys(**ME)[0].key_id, cursor=cursor)


def test_the_secrets_that_ask_for_a_key_are_counted_by_the_name_they_use(
    manager: SecretsManager,
) -> None:
    """By id, alias and ARN, whatever their versions are under; those of other keys are not among them."""
    key = manager.create_key(**ME, alias="alias/payments").key_id
    names = ("alias/payments", "alias/payments", f"{_ARN}alias/payments", key, None)
    for number, name in enumerate(names):
        manager.create_secret(**ME, name=f"s{number}", value=value("a"), kms_key_id=name)
    asked_as = manager.list_key_secrets(**ME, key=key).asked_as
    assert asked_as == {"alias/payments": 2, f"{_ARN}alias/payments": 1, key: 1}
    assert not manager.list_key_secrets(**ME, key=manager.list_keys(**ME)[0].key_id).asked_as


def test_replicas_that_ask_for_a_key_are_counted_apart(store: Store, sealer: Sealer) -> None:
    """They are not written, and can be read while the key can be used."""
    manager = SecretsManager(store, sealer, regions={REGION, "us-east-1"})
    key = manager.create_key(**ME, alias="alias/there").key_id
    there = ReplicaRegion(region="us-east-1", kms_key_id="alias/there")
    manager.create_secret(**ME, name="db", value=value("a"), add_replica_regions=[there])
    found = manager.list_key_secrets(**ME, key=key)
    assert (found.total, found.asked_as, found.replicas_as) == (0, {}, {"alias/there": 1})


@pytest.mark.parametrize("form", ["{key}", "alias/mine", _ARN + "key/{key}", _ARN + "alias/mine"])
def test_a_secret_is_made_under_the_key_that_it_names(manager: SecretsManager, form: str) -> None:
    """By id, alias or ARN; the name stays as it was given."""
    key = manager.create_key(**ME, alias="alias/mine").key_id
    name = form.format(key=key)
    manager.create_secret(**ME, name="db", value=value("v1"), kms_key_id=name)
    assert manager.list_key_secrets(**ME, key=key).names == ("db",)
    assert manager.describe_secret(**ME, secret_id="db").kms_key_id == name
    assert manager.get_secret_value(**ME, secret_id="db").value == value("v1")


@pytest.mark.parametrize("name", ["alias/none", "none", "disabled"])
def test_a_key_that_can_t_be_used_is_no_parameter(manager: SecretsManager, name: str) -> None:
    """Unknown and disabled keys are refused before anything is made, by creating and by updating."""
    disabled = manager.create_key(**ME).key_id
    manager.disable_key(**ME, key=disabled)
    key = disabled if name == "disabled" else name
    manager.create_secret(**ME, name="there", value=value("v"))
    told = f"There is no key {key} here, or it is disabled"
    with pytest.raises(InvalidParameter, match=told):
        manager.create_secret(**ME, name="db", value=value("v"), kms_key_id=key)
    with pytest.raises(InvalidParameter, match=told):
        manager.update_secret(**ME, secret_id="there", kms_key_id=key)
    assert [secret.name for secret in manager.list_secrets(**ME).secrets] == ["there"]


def test_a_keyring_that_is_gone_is_not_the_caller_s_fault(
    manager: SecretsManager, keyring: Path
) -> None:
    """Naming a key then fails as everything else does, not as a wrong parameter."""
    keyring.unlink()
    with pytest.raises(KeyUnavailable, match="There is no keyring"):
        manager.create_secret(**ME, name="db", value=value("v"), kms_key_id="alias/mine")


def test_every_change_is_on_record(manager: SecretsManager, store: Store) -> None:
    """Event, caller, request and key; never the bytes of a key."""
    first = manager.list_keys(**ME)[0].key_id
    made = manager.create_key(**ME, alias="alias/a").key_id
    new = manager.rotate_key(**ME).key_id
    manager.set_key_alias(**ME, alias="alias/b", key=made)
    manager.remove_key_alias(**ME, alias="alias/b")
    manager.disable_key(**ME, key="alias/a")
    manager.enable_key(**ME, key=made)
    exported = manager.export_keys(**ME)
    manager.import_keys(**ME, keys=exported)
    assert sorted(_records(store), key=str) == sorted(
        [
            ("ListKeys", "succeeded", None),
            ("CreateKey", "succeeded", {"key": made, "alias": "alias/a"}),
            ("RotateKey", "succeeded", {"key": new, "alias": None}),
            ("SetKeyAlias", "succeeded", {"key": made, "name": "alias/b"}),
            ("RemoveKeyAlias", "succeeded", {"alias": "alias/b"}),
            ("DisableKey", "succeeded", {"key": made, "name": "alias/a"}),
            ("EnableKey", "succeeded", {"key": made, "name": made}),
            ("ExportKeys", "succeeded", {"keys": sorted([first, made, new])}),
            ("ImportKeys", "succeeded", {"keys": [], "aliases": {}, "active": new}),
        ],
        key=str,
    )


def test_what_can_t_be_recorded_is_not_done(
    manager: SecretsManager, store: Store, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the store can't take the record the keys stay as they were."""
    before = keyring.read_bytes()

    def unavailable(*_: object) -> None:
        raise StoreUnavailable("no room")

    monkeypatch.setattr(store._trail, "append", unavailable)
    with pytest.raises(StoreUnavailable):
        manager.create_key(**ME)
    with pytest.raises(StoreUnavailable):
        manager.rotate_key(**ME)
    with pytest.raises(StoreUnavailable):
        manager.export_keys(**ME)
    assert keyring.read_bytes() == before


def test_what_was_recorded_and_could_not_be_done_is_recorded_too(
    manager: SecretsManager, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyring that can't be written leaves a second record, of the failure."""

    def full(*_: object) -> None:
        raise KeyUnavailable("no room")

    monkeypatch.setattr(keyring_file, "replace", full)
    with pytest.raises(KeyUnavailable, match="no room"):
        manager.rotate_key(**ME)
    assert {(event, outcome) for event, outcome, _ in _records(store)} == {
        ("RotateKey", "succeeded"),
        ("RotateKey", "failed"),
    }


def test_refusals_change_nothing(manager: SecretsManager, store: Store, keyring: Path) -> None:
    """The active key stays enabled, an alias in use stays; each is on record as refused."""
    active = manager.create_key(**ME, alias="alias/mine").key_id
    manager.create_secret(**ME, name="db", kms_key_id=f"{_ARN}alias/mine")
    active = manager.rotate_key(**ME).key_id
    before, recorded = keyring.read_bytes(), len(_records(store))
    refused: list[tuple[Callable[[], object], type[Exception], str]] = [
        (lambda: manager.disable_key(**ME, key=active), InvalidRequest, "rotate key rotate"),
        (lambda: manager.disable_key(**ME, key="none"), ResourceNotFound, "no sealing key none"),
        (lambda: manager.remove_key_alias(**ME, alias="alias/mine"), InvalidRequest, "db among"),
        (lambda: manager.create_key(**ME, alias="alias/mine"), ResourceExists, "alias/mine"),
        (lambda: manager.rotate_key(**ME, alias="alias/none"), ResourceNotFound, "alias/none"),
        (lambda: manager.export_keys(**ME, keys=["none"]), ResourceNotFound, "none"),
    ]
    for change, error, told in refused:
        with pytest.raises(error, match=told):
            change()
    assert keyring.read_bytes() == before
    assert [outcome for _, outcome, _ in _records(store)[recorded:]] == ["failed"] * len(refused)


class TestImport:
    """Exported keys come back, or are refused whole."""

    def test_into_a_home_whose_keyring_is_lost(
        self, manager: SecretsManager, keyring: Path
    ) -> None:
        """The keyring is made of them, and everything opens."""
        fill(manager, secrets=1)
        manager.create_key(**ME, alias="alias/mine")
        exported = manager.export_keys(**ME)
        keyring.unlink()
        new = manager.import_keys(**ME, keys=exported)
        assert {key.key_id: key.versions for key in new.keys} == {
            key_id: int(key_id == exported.active) for key_id in exported.keys
        }
        assert FileKeyProvider(keyring).keyring == exported
        assert manager.get_secret_value(**ME, secret_id="secret-0").value.string

    def test_of_another_store_s_keys_into_a_lost_keyring(
        self, manager: SecretsManager, keyring: Path, tmp_path: Path
    ) -> None:
        """Keys that this store was not sealed with make no keyring for it."""
        create_keyring(tmp_path / "other.json")
        keyring.unlink()
        with pytest.raises(KeyUnavailable, match="not those that the store"):
            manager.import_keys(**ME, keys=FileKeyProvider(tmp_path / "other.json").keyring)
        assert not keyring.exists()

    def test_of_a_part_of_the_keys(self, manager: SecretsManager, keyring: Path) -> None:
        """A key that was lost is back beside those that are there, and opens what it closed."""
        fill(manager, secrets=1)
        old = manager.list_keys(**ME)[0].key_id
        exported = manager.export_keys(**ME, keys=[old])
        active = manager.rotate_key(**ME).key_id
        remove_key(keyring, old)
        with pytest.raises(KeyUnavailable, match="rotate key import"):
            manager.get_secret_value(**ME, secret_id="secret-0")
        assert [key.key_id for key in manager.import_keys(**ME, keys=exported).keys] == [old]
        assert FileKeyProvider(keyring).active_key_id == active
        assert manager.get_secret_value(**ME, secret_id="secret-0").value.string

    @pytest.mark.parametrize("lost", [True, False], ids=["keyring-lost", "keyring-there"])
    def test_of_a_disabled_key_alone(
        self, manager: SecretsManager, keyring: Path, *, lost: bool
    ) -> None:
        """Beside other keys it stays disabled; without a keyring it is enabled, and the others come in after it."""
        fill(manager, secrets=1)
        old = manager.list_keys(**ME)[0].key_id
        manager.set_key_alias(**ME, alias="alias/old", key=old)
        manager.rotate_key(**ME)
        manager.rewrap_keys(**ME)
        manager.disable_key(**ME, key=old)
        everything = manager.export_keys(**ME)
        alone = manager.export_keys(**ME, keys=[old])
        if lost:
            keyring.unlink()
        else:
            remove_key(keyring, old)
        imported = manager.import_keys(**ME, keys=alone)
        standing = KeyStanding.ENABLED if lost else KeyStanding.DISABLED
        assert [(key.key_id, key.state, key.active) for key in imported.keys] == [
            (old, standing, lost)
        ]
        assert imported.aliases == {"alias/old": old}
        manager.import_keys(**ME, keys=everything)
        assert FileKeyProvider(keyring).keyring.keys.keys() == everything.keys.keys()
        assert manager.get_secret_value(**ME, secret_id="secret-0").value.string

    def test_of_other_bytes_under_a_known_id(
        self, manager: SecretsManager, keyring: Path, tmp_path: Path
    ) -> None:
        """Refused, whether the keyring has the id or only the store knows it."""
        known = manager.create_key(**ME).key_id
        create_keyring(tmp_path / "other.json")
        add_key(tmp_path / "other.json", known)
        other = FileKeyProvider(tmp_path / "other.json").keyring.only([known])
        assert material(keyring, known) != other.keys[known].material
        before = keyring.read_bytes()
        with pytest.raises(ResourceExists, match=known):
            manager.import_keys(**ME, keys=other)
        assert keyring.read_bytes() == before
        remove_key(keyring, known)
        before = keyring.read_bytes()
        with pytest.raises(KeyUnavailable, match=f"{known} is not the one that the store knows"):
            manager.import_keys(**ME, keys=other)
        assert keyring.read_bytes() == before


class TestOtherProviders:
    """Keys that are not in a keyring file."""

    def test_of_the_environment_seal_rewrap_and_refuse_changes(
        self, store: Store, keyring: Path
    ) -> None:
        """A new first key takes over by rewrap; changing it is refused with what to do instead."""
        mine = FileKeyProvider(keyring)
        own = base64.b64encode(material(keyring, mine.active_key_id)).decode()
        older = f"{mine.active_key_id}:{own}"
        manager = SecretsManager(store, Sealer(EnvKeyProvider(older)))
        fill(manager, secrets=1)
        newer = SecretsManager(store, Sealer(EnvKeyProvider(f"new:{_KEY},{older}")))
        assert newer.rewrap_keys(**ME).moved == 1
        assert [(key.key_id, key.versions) for key in newer.list_keys(**ME)] == [
            ("new", 1),
            (mine.active_key_id, 0),
        ]
        with pytest.raises(InvalidRequest, match="openssl rand"):
            newer.rotate_key(**ME)
        only_new = SecretsManager(store, Sealer(EnvKeyProvider(f"new:{_KEY}")))
        assert only_new.get_secret_value(**ME, secret_id="secret-0").value.string

    def test_of_another_distribution_are_listed_by_what_they_seal(
        self, store: Store, keyring: Path
    ) -> None:
        """What a provider doesn't tell is read from the store; its keys are its own to change and to export."""
        with plugins.installed():
            provider = load_provider("vault", KeyProviderSettings(keyring=keyring))
        manager = SecretsManager(store, Sealer(provider))
        manager.create_secret(**ME, name="a", value=value("a"), kms_key_id="v1")
        manager.create_secret(**ME, name="b", value=value("b"))
        listed = [(key.key_id, key.active, key.versions) for key in manager.list_keys(**ME)]
        assert listed == [("v2", True, 1), ("v1", False, 1)]
        assert manager.list_key_secrets(**ME, key="v1").names == ("a",)
        manager.update_secret(**ME, secret_id="a", kms_key_id="")
        assert manager.list_key_secrets(**ME, key="v2").total == 2
        for refused in (manager.rotate_key, manager.export_keys):
            with pytest.raises(InvalidRequest, match="keeps its sealing keys itself"):
                refused(**ME)
