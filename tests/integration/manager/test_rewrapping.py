"""Versions move to the sealing keys that their secrets ask for, and nothing of them is opened."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from rotator.crypto import aead
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring_provider import KeyringProvider
from rotator.crypto.sealing_keys import KeyState
from rotator.errors import AccessDenied, KeyUnavailable
from rotator.manager.manager import SecretsManager
from rotator.manager.operations import seal_context
from rotator.manager.rewrapping import RewrapProgress
from rotator.model.rotation import MachineState
from rotator.store import rewrap
from rotator.store import secrets as secret_rows
from rotator.store import versions as version_rows
from rotator.store.store import Store, Tx
from rotator.store.tables import audit, sealing_check, secrets, versions
from tests.integration.store.plans import assert_sent_indexed, has_plan, recording
from tests.support.keys import add_key, edit, remove_key
from tests.support.manager import ME, STRANGER, begin_rotation, row_id, token, value
from tests.support.rewraps import fill, keys_of, read_all, rows


def _ids(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return {row.name: row.kms_key_id for row in tx.connection.execute(select(secrets))}


def test_everything_moves_to_the_active_key_unopened(
    manager: SecretsManager, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older versions too; ciphertexts and nonces stay byte for byte, no value is decrypted, and each opens after."""
    expected = fill(manager, secrets=3, versions_each=3)
    before = rows(store)
    new = manager.rotate_key(**ME).key_id
    decrypted: list[bytes] = []
    decrypt = aead.decrypt

    def recording_decrypt(key: bytes, *, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes:
        decrypted.append(ciphertext)
        return decrypt(key, nonce=nonce, ciphertext=ciphertext, bound=bound)

    with monkeypatch.context() as patch:
        patch.setattr(aead, "decrypt", recording_decrypt)
        patch.setattr(Sealer, "open", lambda *_, **__: pytest.fail("a value was opened"))
        done = manager.rewrap_keys(**ME, batch=2)
    after = rows(store)
    assert (done.moved, done.stuck) == (9, 0)
    assert not {row.ciphertext for row in before.values()} & set(decrypted)
    for place, row in after.items():
        changed = {"key_id": new, "wrapped_key": row.wrapped_key}
        assert row._asdict() == before[place]._asdict() | changed
        assert row.wrapped_key != before[place].wrapped_key
    assert read_all(manager, expected) == expected


def test_each_secret_s_versions_get_the_key_that_it_asks_for(
    manager: SecretsManager, store: Store
) -> None:
    """By alias, by id and by default; what is under the right key already is not touched."""
    payments = manager.create_key(**ME, alias="alias/payments").key_id
    other = manager.create_key(**ME).key_id
    asked = {"a": "alias/payments", "b": other, "c": None}
    for name, key in asked.items():
        manager.create_secret(**ME, name=name, value=value(name), kms_key_id=key)
    assert keys_of(store) >= {payments, other}
    new_payments = manager.rotate_key(**ME, alias="alias/payments").key_id
    before = {row.secret_id: row for row in rows(store).values()}
    assert manager.rewrap_keys(**ME).moved == 1
    after = {row.secret_id: row for row in rows(store).values()}
    with store.read() as tx:
        ids = {name: row_id(tx, name) for name in asked}
    assert after[ids["a"]].key_id == new_payments
    assert [after[ids[name]] for name in "bc"] == [before[ids[name]] for name in "bc"]
    assert {name: manager.get_secret_value(**ME, secret_id=name).value for name in asked} == {
        name: value(name) for name in asked
    }
    assert _ids(store) == asked


def test_a_plan_counts_what_would_move_and_moves_nothing(
    manager: SecretsManager, store: Store, keyring: Path
) -> None:
    """By the key that versions are under and the one that their secrets ask for; what is stuck is named with why."""
    fill(manager, secrets=3, versions_each=2)
    [old], special = keys_of(store), "special"
    add_key(keyring, special)
    with store.write() as tx:
        row = tx.execute(select(secrets.c.id).order_by(secrets.c.id)).scalars()
        secret_rows.update(tx, next(row), kms_key_id=special)
    new = manager.rotate_key(**ME).key_id
    before = rows(store)
    planned = manager.plan_rewrap(**ME)
    assert {(p.key, p.under, p.to, p.versions, p.reason) for p in planned} == {
        ("alias/aws/secretsmanager", old, new, 4, None),
        (special, old, special, 2, None),
    }
    remove_key(keyring, special)
    by_key = {p.key: p for p in manager.plan_rewrap(**ME)}
    assert (by_key[special].to, by_key[special].versions) == (None, 2)
    assert f"names no usable key: the keyring {keyring} has no" in str(by_key[special].reason)
    assert rows(store) == before
    recorded = select(audit.c.detail).where(audit.c.event == "RewrapKeys")
    counted = {"dry_run": True, "versions": 6, "access_keys": 0}
    with store.read() as tx:
        assert [row[0] for row in tx.execute(recorded)] == [counted] * 2


def test_what_is_done_is_found_done(manager: SecretsManager, store: Store) -> None:
    """A second run writes nothing and records nothing: it looks into an index and is over."""
    fill(manager, secrets=2)
    manager.rotate_key(**ME)
    manager.rewrap_keys(**ME)
    before = rows(store)
    told: list[RewrapProgress] = []
    done = manager.rewrap_keys(**ME, watch=told.append)
    assert (done.moved, done.stuck, told) == (0, 0, [RewrapProgress(moved=0, stuck=0, total=0)])
    assert rows(store) == before
    assert [row.detail["versions"] for row in _records(store, "RewrapKeys")] == [2]


def test_progress_counts_up_to_the_whole(manager: SecretsManager) -> None:
    """After each batch it is told how much is done of how much."""
    fill(manager, secrets=5)
    manager.rotate_key(**ME)
    told: list[RewrapProgress] = []
    manager.rewrap_keys(**ME, batch=2, watch=told.append)
    assert [(step.moved, step.total) for step in told] == [(2, 5), (4, 5), (5, 5), (5, 5)]


def test_a_write_in_between_wins(
    manager: SecretsManager, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version whose value was replaced after its batch was read keeps what was written; the next pass moves it."""
    fill(manager, secrets=2)
    begin_rotation(store, "secret-1", token=token(7), state=MachineState())
    manager.put_secret_value(
        **ME,
        secret_id="secret-1",
        value=value("prepared"),
        client_request_token=token(7),
        version_stages=["AWSPENDING"],
    )
    older = manager.list_keys(**ME)[0].key_id
    manager.rotate_key(**ME)
    replaced = rewrap.replace
    interfered = False

    def interfering(tx: Tx, moves: Sequence[rewrap.Move]) -> int:
        nonlocal interfered
        if not interfered:
            interfered = True
            [move] = [move for move in moves if move.version_id == token(7)]
            context = seal_context(secret_rows.by_id(tx, move.secret_id), move.version_id)
            sealed = manager._sealer.seal(value("by somebody else"), context=context, key=older)
            version_rows.set_value(
                tx, secret_id=move.secret_id, version_id=move.version_id, sealed=sealed
            )
        return replaced(tx, moves)

    monkeypatch.setattr(rewrap, "replace", interfering)
    done = manager.rewrap_keys(**ME)
    assert (done.moved, done.stuck) == (3, 0)
    assert older not in keys_of(store)
    read = manager.get_secret_value(
        **ME, secret_id="secret-1", version_id=token(7), version_stage="AWSPENDING"
    )
    assert read.value == value("by somebody else")


def test_two_at_once_get_it_done_once(manager: SecretsManager, store: Store) -> None:
    """Several processes may rewrap at the same time: none fails, and all is moved."""
    expected = fill(manager, secrets=6, versions_each=2)
    new = manager.rotate_key(**ME).key_id
    moved: list[int] = []

    def run() -> None:
        moved.append(manager.rewrap_keys(**ME, batch=1).moved)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(moved) == len(expected)
    assert keys_of(store) == {new}
    assert read_all(manager, expected) == expected


class TestWhatCannotMove:
    """Versions under keys that nobody can use are told, and hold nothing else up."""

    @pytest.mark.parametrize("lost", [True, False], ids=["lost", "disabled"])
    def test_an_older_key_that_can_t_be_had(
        self, manager: SecretsManager, store: Store, keyring: Path, *, lost: bool
    ) -> None:
        """What it closes stays as it is; everything else moves, and after its return so does that."""
        fill(manager, secrets=2)
        old = manager.list_keys(**ME)[0].key_id
        middle = manager.rotate_key(**ME).key_id
        manager.create_secret(**ME, name="later", value=value("x"))
        new = manager.rotate_key(**ME).key_id
        whole = keyring.read_bytes()
        if lost:
            remove_key(keyring, old)
        else:
            manager.disable_key(**ME, key=old)
        done = manager.rewrap_keys(**ME)
        assert (done.moved, done.stuck) == (1, 2)
        assert len(done.reasons) == 1
        assert old in done.reasons[0]
        assert "rotate key" in done.reasons[0]
        assert keys_of(store) == {old, new}
        assert middle not in keys_of(store)
        keyring.write_bytes(whole)
        assert manager.rewrap_keys(**ME).moved == 2
        assert keys_of(store) == {new}

    def test_a_name_without_a_key(self, manager: SecretsManager, keyring: Path) -> None:
        """Secrets that ask for an alias that is gone are told with it."""
        manager.create_key(**ME, alias="alias/payments")
        manager.create_secret(**ME, name="a", value=value("a"), kms_key_id="alias/payments")
        edit(keyring, lambda ring: ring.without_alias("alias/payments"))
        done = manager.rewrap_keys(**ME)
        assert (done.moved, done.stuck) == (0, 1)
        assert "rotate key alias alias/payments KEY" in done.reasons[0]

    def test_an_altered_row(self, manager: SecretsManager, store: Store) -> None:
        """It is named with its secret and version, and the others move."""
        fill(manager, secrets=3)
        manager.rotate_key(**ME)
        with store.write() as tx:
            ours = versions.c.secret_id == row_id(tx, "secret-1")
            tx.connection.execute(update(versions).where(ours).values(wrapped_key=b"\0" * 60))
        done = manager.rewrap_keys(**ME)
        assert (done.moved, done.stuck) == (2, 1)
        assert "secret-1" in done.reasons[0]
        assert token(1) in done.reasons[0]


def test_the_target_is_known_to_the_store_before_anything_moves(
    manager: SecretsManager, store: Store, keyring: Path
) -> None:
    """A key that came into the keyring by hand gets its check row; one of a known id with other bytes is refused."""
    fill(manager, secrets=1)
    add_key(keyring, "by-hand", active=True)
    manager.rewrap_keys(**ME)
    with store.read() as tx:
        known = set(tx.connection.execute(select(sealing_check.c.key_id)).scalars())
    assert "by-hand" in known
    manager.rotate_key(**ME)
    manager.rewrap_keys(**ME)
    add_key(keyring, "by-hand", active=True)  # other bytes
    before = rows(store)
    with pytest.raises(KeyUnavailable, match="by-hand is not the one that the store knows"):
        manager.rewrap_keys(**ME)
    assert rows(store) == before


def test_no_statement_reads_a_whole_table(manager: SecretsManager, store: Store) -> None:
    """Finding, moving and counting go by indexes, on each engine's own plan."""
    payments = manager.create_key(**ME, alias="alias/payments")
    fill(manager, secrets=2)
    manager.create_secret(**ME, name="a", value=value("a"), kms_key_id="alias/payments")
    manager.rotate_key(**ME)
    manager.rotate_key(**ME, alias="alias/payments")
    with recording() as sent:
        manager.rewrap_keys(**ME)
        manager.list_keys(**ME)
        manager.list_key_secrets(**ME, key=payments.key_id)
        manager.update_secret(**ME, secret_id="a", kms_key_id="")
    for statement in filter(has_plan, sent):
        if "versions" in statement.sql:
            assert_sent_indexed(store, statement)


def test_a_stranger_may_not(manager: SecretsManager, store: Store) -> None:
    """Refused, on record, and nothing moved."""
    fill(manager, secrets=1)
    manager.rotate_key(**ME)
    before = rows(store)
    with pytest.raises(AccessDenied):
        manager.rewrap_keys(caller=replace(STRANGER, kind="nobody"), request_id="r")  # type: ignore[arg-type]
    assert rows(store) == before
    assert [row.outcome for row in _records(store, "RewrapKeys")] == ["denied"]


def _records(store: Store, event: str) -> list[Any]:
    with store.read() as tx:
        found = tx.connection.execute(select(audit).where(audit.c.event == event)).all()
    return list(found)


class TestAnotherKeyForASecret:
    """UpdateSecret with KmsKeyId: the labelled versions are sealed under it in the same transaction."""

    def test_labelled_versions_move_and_deprecated_ones_stay(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """AWSCURRENT, AWSPENDING and AWSPREVIOUS; an older version without a label keeps its key until a rewrap."""
        fill(manager, secrets=1, versions_each=3)
        default = manager.list_keys(**ME)[0].key_id
        mine = manager.create_key(**ME, alias="alias/mine").key_id
        before = rows(store)
        manager.update_secret(**ME, secret_id="secret-0", kms_key_id="alias/mine")
        after = rows(store)
        assert {row.version_id: row.key_id for row in after.values()} == {
            token(1): default,
            token(2): mine,
            token(3): mine,
        }
        unchanged = [(row.version_id, row.nonce, row.ciphertext) for row in before.values()]
        assert [(row.version_id, row.nonce, row.ciphertext) for row in after.values()] == unchanged
        assert manager.describe_secret(**ME, secret_id="secret-0").kms_key_id == "alias/mine"
        assert manager.rewrap_keys(**ME).moved == 1

    def test_new_values_are_sealed_under_it(self, manager: SecretsManager, store: Store) -> None:
        """With the call itself, and later."""
        fill(manager, secrets=1)
        mine = manager.create_key(**ME, alias="alias/mine").key_id
        manager.update_secret(
            **ME,
            secret_id="secret-0",
            kms_key_id="alias/mine",
            value=value("v2"),
            client_request_token=token(2),
        )
        manager.put_secret_value(
            **ME, secret_id="secret-0", value=value("v3"), client_request_token=token(3)
        )
        assert keys_of(store) == {mine}
        read = manager.get_secret_value(**ME, secret_id="secret-0", version_id=token(2))
        assert read.value == value("v2")

    def test_the_same_call_again_changes_nothing(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """A repeated token with the same value and key leaves one version, under that key."""
        fill(manager, secrets=1)
        manager.create_key(**ME, alias="alias/mine")
        for _ in range(2):
            manager.update_secret(
                **ME,
                secret_id="secret-0",
                kms_key_id="alias/mine",
                value=value("v2"),
                client_request_token=token(2),
            )
        assert len(rows(store)) == 2

    def test_a_key_that_closes_a_labelled_version_is_no_way_out(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """Where the older key is disabled nothing changes, and the error names secret, version and fix."""
        fill(manager, secrets=1)
        old = manager.list_keys(**ME)[0].key_id
        new = manager.rotate_key(**ME).key_id
        manager.disable_key(**ME, key=old)
        before = rows(store)
        with pytest.raises(KeyUnavailable) as refused:
            manager.update_secret(**ME, secret_id="secret-0", kms_key_id=new)
        for part in ("secret-0", token(1), old, "rotate key enable"):
            assert part in str(refused.value)
        assert rows(store) == before
        assert manager.describe_secret(**ME, secret_id="secret-0").kms_key_id is None

    def test_a_rewrap_in_between_is_seen(
        self, manager: SecretsManager, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a version's data key was wrapped anew after it was read, it is read again; the change is whole."""
        expected = fill(manager, secrets=1, versions_each=2)
        mine = manager.create_key(**ME, alias="alias/mine").key_id
        manager.rotate_key(**ME)
        labelled = rewrap.labelled
        looked = 0

        def interfering(tx: Any, secret_id: int) -> Any:
            nonlocal looked
            looked += 1
            found = labelled(tx, secret_id)
            if looked == 1:
                # In another thread: a transaction of this one is open.
                thread = threading.Thread(target=manager.rewrap_keys, kwargs=dict(ME))
                thread.start()
                thread.join()
            return found

        monkeypatch.setattr(rewrap, "labelled", interfering)
        manager.update_secret(**ME, secret_id="secret-0", kms_key_id="alias/mine")
        assert looked == 4  # read, found changed, read again, found the same
        assert keys_of(store) == {mine}
        assert read_all(manager, expected) == expected


def test_a_data_key_is_unwrapped_once_within_a_read(
    manager: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read, one call of the key provider."""
    fill(manager, secrets=1)
    unwrap = KeyringProvider.unwrap
    calls: list[str] = []

    def counting(
        provider: KeyringProvider, wrapped: bytes, *, key_id: str, context: bytes
    ) -> bytes:
        calls.append(key_id)
        return unwrap(provider, wrapped, key_id=key_id, context=context)

    monkeypatch.setattr(KeyringProvider, "unwrap", counting)
    manager.get_secret_value(**ME, secret_id="secret-0")
    assert len(calls) == 1


def test_a_read_under_a_disabled_key_names_secret_key_and_fix(
    manager: SecretsManager, keyring: Path
) -> None:
    """Until the key is enabled again; the process that reads need not be started anew."""
    fill(manager, secrets=1)
    old = manager.list_keys(**ME)[0].key_id
    manager.rotate_key(**ME)
    edit(keyring, lambda ring: ring.with_state(old, KeyState.DISABLED))
    with pytest.raises(KeyUnavailable) as refused:
        manager.get_secret_value(**ME, secret_id="secret-0")
    for part in ("secret-0", old, f"rotate key enable {old}"):
        assert part in str(refused.value)
    edit(keyring, lambda ring: ring.with_state(old, KeyState.ENABLED))
    manager.get_secret_value(**ME, secret_id="secret-0")
