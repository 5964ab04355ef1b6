"""The built-in key provider: sealing keys in a file that only its owner may read.

The file is JSON: `{"active": ID, "keys": {ID: KEY, …}}`, each key 256 random bits in base64. A key
that is no longer active stays in it for as long as a version is sealed under it.
"""

import base64
import binascii
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rotator.crypto import aead
from rotator.errors import KeyUnavailable
from rotator.files import OTHERS, create_private_file

_FORMAT = b"rotator:data-key:1"
_KEY_ID_BYTES = 6
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_KEPT = "Nothing was changed."


def create_keyring(path: Path) -> str:
    """Makes a keyring of one new key (mode 0600, durable when this returns) and gives the key's id.

    Raises:
        KeyUnavailable: there is a keyring already, which is left as it was, or it can't be made.
    """
    key_id = secrets.token_hex(_KEY_ID_BYTES)
    keyring = {"active": key_id, "keys": {key_id: base64.b64encode(aead.new_key()).decode("ascii")}}
    try:
        create_private_file(path, json.dumps(keyring, indent=2).encode() + b"\n")
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
    return key_id


class FileKeyProvider:
    """Wraps data keys under the keys of a file, which is read at the first use and then kept.

    Each wrapping takes a random 96-bit nonce, good for 2³² wrappings by one sealing key
    (NIST SP 800-38D, 8.3).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    @property
    def active_key_id(self) -> str:
        """The id of the sealing key that new data keys are wrapped under.

        Raises:
            KeyUnavailable: the keyring is missing, malformed, or not private.
        """
        return self._keyring.active

    def wrap(self, data_key: bytes, *, key_id: str, context: bytes) -> bytes:
        """`data_key` sealed under `key_id`, bound to `context`.

        Raises:
            KeyUnavailable: the keyring has no such key, or can't be used.
        """
        nonce, ciphertext = aead.encrypt(
            self._key(key_id), data_key, bound=_bound(key_id=key_id, context=context)
        )
        return nonce + ciphertext

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """The data key.

        Raises:
            KeyUnavailable: the keyring has no such key, or can't be used.
            DecryptionFailure: the wrapped key, its context or the sealing key is another one.
        """
        return aead.decrypt(
            self._key(key_id),
            nonce=wrapped[: aead.NONCE_BYTES],
            ciphertext=wrapped[aead.NONCE_BYTES :],
            bound=_bound(key_id=key_id, context=context),
        )

    @cached_property
    def _keyring(self) -> "_Keyring":
        return _parse(_read_private(self._path), path=self._path)

    def _key(self, key_id: str) -> bytes:
        try:
            return self._keyring.keys[key_id]
        except KeyError:
            raise KeyUnavailable(
                f"the keyring {self._path} has no sealing key {key_id}. "
                "Restore the keyring that has it from its backup."
            ) from None


def _bound(*, key_id: str, context: bytes) -> bytes:
    return aead.encode(_FORMAT, key_id.encode(), context)


@dataclass(frozen=True, slots=True)
class _Keyring:
    active: str
    keys: Mapping[str, bytes] = field(repr=False)


def _read_private(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            # What is checked is the file that was opened, whatever its name leads to by now.
            _check_file(os.fstat(file.fileno()), path=path)
            for folder in {path.parent, path.resolve().parent}:
                _check_folder(folder)
            return file.read()
    except FileNotFoundError:
        raise KeyUnavailable(
            f"There is no keyring at {path}. For a new store make one: rotate init. A store that "
            "holds secrets needs the keyring that it was made with: restore it from its backup."
        ) from None
    except OSError as error:
        raise KeyUnavailable(
            f"The keyring {path} can't be read: {error.strerror}. "
            "Check its path, and run rotate as the user who owns it."
        ) from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would wait for its writer


def _check_file(status: os.stat_result, *, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyUnavailable(f"The keyring {path} is not a file. Check its path. {_KEPT}")
    if status.st_mode & OTHERS:
        raise KeyUnavailable(
            f"Others on this machine may read the keyring {path} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}), so it is not used. {_KEPT} "
            f"Make it private: chmod 600 '{path}'"
        )


def _check_folder(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        raise KeyUnavailable(
            f"Others on this machine may replace the keyring in {folder} (mode "
            f"{stat.S_IMODE(mode):04o}), so it is not used. {_KEPT} "
            f"Make the folder yours alone to write: chmod go-w '{folder}'"
        )


def _parse(content: bytes, *, path: Path) -> _Keyring:
    try:
        parsed = json.loads(content)
        keys = {str(key_id): _decoded(key) for key_id, key in parsed["keys"].items()}
        active = parsed["active"]
        if active not in keys:
            raise ValueError  # noqa: TRY301
    except (ValueError, TypeError, KeyError, AttributeError):
        # Without the cause: it would quote the file.
        raise KeyUnavailable(
            f'The keyring {path} is malformed: it is not {{"active": ID, "keys": {{ID: 32 bytes in '
            f"base64}}}} with the active key among its keys. {_KEPT} Restore it from its backup."
        ) from None
    return _Keyring(active=active, keys=keys)


def _decoded(key: Any) -> bytes:
    try:
        decoded = base64.b64decode(key, validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(decoded) != aead.KEY_BYTES:
        raise ValueError
    return decoded
