"""Sealing keys in a file for safe-keeping, sealed under a passphrase."""

import io
from contextlib import suppress

from rotator.crypto import keyring_format, passphrase
from rotator.crypto.keyring_format import MalformedKeyring
from rotator.crypto.sealing_keys import Keyring
from rotator.errors import DecryptionFailure

_CONTENT = "keys"


def seal_keys(keyring: Keyring, *, under: str) -> bytes:
    """The file's content. The key of its cipher is derived by scrypt with N = 2¹⁷, r = 8, p = 1.

    Args:
        under: the passphrase.

    Raises:
        InvalidParameter: the passphrase is too short.
    """
    content = io.BytesIO()
    sealer = passphrase.sealing(content, passphrase=under, content=_CONTENT)
    sealer.write(keyring_format.encode(keyring))
    sealer.finish()
    return content.getvalue()


def verify_export(content: bytes, keyring: Keyring, *, under: str) -> None:
    """Nothing, where a file holds these very keys.

    Raises:
        DecryptionFailure: it doesn't.
    """
    with suppress(DecryptionFailure):
        if open_keys(content, under=under) == keyring:
            return
    raise DecryptionFailure(
        "What was written is not what was exported: that file is no copy of the keys. Remove it, and export to another "
        "place."
    )


def open_keys(content: bytes, *, under: str) -> Keyring:
    """The keys in such a file.

    Raises:
        DecryptionFailure: it is none, was altered or cut off, or the passphrase is another one.
        KeyUnavailable: a later release wrote it.
    """
    source = io.BytesIO(content)
    unlocked = passphrase.unlock(source, passphrase=under, content=_CONTENT)
    try:
        keys = unlocked.open(source).read()
    except DecryptionFailure:
        raise DecryptionFailure(
            "The file doesn't open: the passphrase is another one, or the file was altered or cut off. Nothing was "
            "imported. Try the passphrase again, or another copy of the file."
        ) from None
    try:
        return keyring_format.decode(keys)
    except MalformedKeyring:
        raise DecryptionFailure(
            "The file opens, but holds no sealing keys. Nothing was imported. Try another copy of it."
        ) from None
