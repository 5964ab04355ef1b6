"""The key provider `file`: sealing keys in a file that only its owner may read."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from rotator.crypto import aead, keyring_file, keyring_format
from rotator.crypto.key_files import KEPT, read_key_file
from rotator.crypto.keyring_file import Stamp
from rotator.crypto.keyring_format import MalformedKeyring
from rotator.crypto.keyring_provider import HeldKeys, KeyringProvider
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import KeyUnavailable
from rotator.files import create_private_file
from rotator.sdk import KeyProviderSettings

_KEY_ID_BYTES = 6
_MISSING = (
    "For a new store make one: rotate init. A store that holds secrets needs the keyring that it was made with: "
    "restore it from its backup, or import an export of its keys: rotate key import"
)


def new_key(created_at: datetime) -> SealingKey:
    """A random key with a random id."""
    return SealingKey(
        key_id=secrets.token_hex(_KEY_ID_BYTES), material=aead.new_key(), created_at=created_at
    )


def create_keyring(path: Path) -> str:
    """Makes a keyring of one new key (mode 0600, durable when this returns) and gives the key's id.

    Raises:
        KeyUnavailable: there is a keyring already, which is left as it was, or it can't be made.
    """
    key = new_key(datetime.now(UTC))
    _create(path, Keyring(active=key.key_id, keys={key.key_id: key}))
    return key.key_id


class _Look(NamedTuple):
    """What a look at the file has shown.

    Attributes:
        began: when, by `time.monotonic_ns`: what was there then, or came before it ended.
    """

    began: int
    stamp: Stamp | None
    keys: HeldKeys


class FileKeyProvider(KeyringProvider):
    """The keys of a file, which is read at the first use and again whenever it has changed."""

    restore = "Restore the keyring that has it from its backup, or import an export of the key: rotate key import"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.shown = f"the keyring {self.path}"
        self._last: _Look | None = None

    @classmethod
    def from_settings(cls, settings: KeyProviderSettings) -> Self:
        """The entry point: the keyring that the settings name."""
        return cls(settings.keyring)

    @property
    def keyring(self) -> Keyring:
        """The keys as the file has them now.

        Raises:
            KeyUnavailable: the keyring is missing, malformed, or not private.
        """
        return self._look().keys.keyring

    def as_of(self, moment: int) -> HeldKeys:
        """See `KeyringProvider`. Where many threads read, one look at the file serves all who had begun before it."""
        last = self._last
        # Not one from the moment itself: the clock may not have moved since the file was changed.
        return last.keys if last is not None and last.began > moment else self._look().keys

    def _look(self) -> _Look:
        began = time.monotonic_ns()
        last, stamp = self._last, keyring_file.stamp(self.path)
        if last is not None and stamp is not None and stamp == last.stamp:
            keys = last.keys
        else:
            # The stamp is from before: where another process writes the file now, it is read again at the next use.
            keys = HeldKeys(self._load(), shown=self.shown, restore=self.restore)
        self._last = look = _Look(began, stamp, keys)
        return look

    def change_or_make(self, change: Callable[[Keyring | None], Keyring]) -> Keyring:
        """See `KeyringProvider`. A crash at any instant leaves the keys as they were or as they shall be."""
        if not os.path.lexists(self.path):
            made = change(None)
            _create(self.path, made)
            return made
        with keyring_file.locked(self.path):
            before = self._load()
            after = change(before)
            for keyring in _stages(before, after):
                keyring_file.replace(self.path, keyring_format.encode(keyring))
        return after

    def _load(self) -> Keyring:
        content = read_key_file(self.path, what="keyring", missing=_MISSING)
        try:
            return _usable(keyring_format.decode(content))
        except MalformedKeyring:
            # Without the cause: it would quote the file.
            raise KeyUnavailable(
                f"The keyring {self.path} is malformed: it is no keyring of format 1 or 2 whose active key is there, "
                f"and enabled. {KEPT} Restore it from its backup."
            ) from None


def _usable(keyring: Keyring) -> Keyring:
    if keyring.keys[keyring.active].state is KeyState.DISABLED:
        raise MalformedKeyring
    return keyring


def _stages(before: Keyring, after: Keyring) -> Iterator[Keyring]:
    """What is written one after the other: a new key is durable before anybody sees that it is to be used.

    Who reads the file between its renaming and the folder's fsync may seal a value under a key that a power failure
    then takes away.
    """
    if after.keys.keys() - before.keys.keys():
        yield replace(before, keys={**after.keys, **before.keys})
    if after != before:
        yield after


def _create(path: Path, keyring: Keyring) -> None:
    try:
        create_private_file(path, keyring_format.encode(keyring))
    except FileExistsError:
        raise KeyUnavailable(
            f"There is a keyring at {path} already. It was left as it is, since values may be "
            "sealed under its keys: use it, or name another path."
        ) from None
    except OSError as error:
        raise KeyUnavailable(
            f"No keyring can be made at {path}: {error.strerror}. "
            "Make its folder writable for this user, or name another path."
        ) from None
