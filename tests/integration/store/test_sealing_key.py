"""A store takes only the keyring that it was sealed with."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import KeyUnavailable
from rotator.store.sealing import verify_sealing_key
from rotator.store.store import Store
from rotator.store.tables import sealing_check
from tests.support.keys import add_key


def _known(store: Store) -> list[Any]:
    with store.read() as tx:
        return list(tx.connection.execute(select(sealing_check)).all())


def _reread(keyring: Path) -> Sealer:
    return Sealer(FileKeyProvider(keyring))


def test_the_first_keyring_becomes_the_store_s(store: Store, sealer: Sealer, keyring: Path) -> None:
    """A new store takes the first keyring; later opens accept the same and write nothing."""
    verify_sealing_key(store, sealer)
    known = _known(store)
    assert [row.key_id for row in known] == [sealer.provider.active_key_id]
    verify_sealing_key(store, _reread(keyring))
    assert _known(store) == known


def test_another_store_s_keyring_is_refused(store: Store, sealer: Sealer, tmp_path: Path) -> None:
    """A keyring without any key that the store has used is refused before it seals anything."""
    verify_sealing_key(store, sealer)
    known = _known(store)
    create_keyring(tmp_path / "other.json")
    with pytest.raises(KeyUnavailable, match="not those that the store"):
        verify_sealing_key(store, _reread(tmp_path / "other.json"))
    assert _known(store) == known


def test_another_key_under_the_same_id_is_refused(
    store: Store, sealer: Sealer, keyring: Path
) -> None:
    """A key that carries the id of the store's own, but is another, is refused."""
    verify_sealing_key(store, sealer)
    active = sealer.provider.active_key_id
    add_key(keyring, active, material=bytes(32))
    with pytest.raises(KeyUnavailable, match="not those that the store"):
        verify_sealing_key(store, _reread(keyring))


def test_a_new_key_beside_a_known_one_is_taken_in(
    store: Store, sealer: Sealer, keyring: Path
) -> None:
    """A key that was made active in the store's own keyring becomes known, the older stays so."""
    verify_sealing_key(store, sealer)
    older = sealer.provider.active_key_id
    add_key(keyring, "newer", active=True)
    verify_sealing_key(store, _reread(keyring))
    assert {row.key_id for row in _known(store)} == {older, "newer"}


def test_a_missing_keyring_touches_nothing(store: Store, tmp_path: Path) -> None:
    """Without a keyring the check is refused and the store stays without a key of its own."""
    with pytest.raises(KeyUnavailable, match="no keyring"):
        verify_sealing_key(store, _reread(tmp_path / "none.json"))
    assert _known(store) == []


def test_of_several_first_keyrings_one_becomes_the_store_s(store: Store, tmp_path: Path) -> None:
    """Of keyrings that meet a new store at the same time one is taken, the others are refused."""
    paths = [tmp_path / f"{number}.json" for number in range(4)]
    for path in paths:
        create_keyring(path)
    refused: list[BaseException] = []

    def verify(path: Path) -> None:
        try:
            verify_sealing_key(store, _reread(path))
        except BaseException as error:  # noqa: BLE001  # the main thread judges it
            refused.append(error)

    threads = [threading.Thread(target=verify, args=(path,)) for path in paths * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in refused] == [KeyUnavailable] * 6
    assert len(_known(store)) == 1
