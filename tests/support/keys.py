"""Keyrings as tests need them: with a key of a chosen id, with the bytes of a key."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rotator.crypto.keyring import FileKeyProvider
from rotator.crypto.sealing_keys import Keyring, SealingKey


def edit(path: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    """The keyring as it is then."""

    def changed(before: Keyring | None) -> Keyring:
        assert before is not None
        return change(before)

    return FileKeyProvider(path).change_or_make(changed)


def add_key(
    path: Path,
    key_id: str,
    *,
    material: bytes | None = None,
    active: bool = False,
    alias: str | None = None,
) -> None:
    """One more key; in the place of the one of this id where there is one."""
    key = SealingKey(key_id=key_id, material=material or os.urandom(32), created_at=None)

    def add(before: Keyring) -> Keyring:
        after = before.with_key(key, alias=alias)
        return replace(after, active=key_id) if active else after

    edit(path, add)


def remove_key(path: Path, key_id: str) -> None:
    """As if the keyring had come from an older backup."""
    edit(path, lambda ring: ring.only([other for other in ring.keys if other != key_id]))


def material(path: Path, key_id: str) -> bytes:
    """The bytes of a key."""
    return FileKeyProvider(path).keyring.keys[key_id].material
