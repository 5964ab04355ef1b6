"""The key provider `env`: sealing keys in an environment variable, or in what a setting refers to."""

import re
from collections.abc import Callable
from typing import NoReturn, Self

from rotator.crypto.keyring_format import decode_material
from rotator.crypto.keyring_provider import KeyringProvider
from rotator.crypto.sealing_keys import Keyring, SealingKey
from rotator.errors import InvalidRequest, KeyUnavailable
from rotator.sdk import SEALING_KEYS_VARIABLE, KeyProviderSettings

_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PLACE = f"the setting keys.sealing_keys or the environment variable {SEALING_KEYS_VARIABLE}"
_FORM = "ID:KEY,ID:KEY,… with each key 32 random bytes in base64 (openssl rand -base64 32)"


class EnvKeyProvider(KeyringProvider):
    """Keys that whoever starts the process hands over: `ID:BASE64,ID:BASE64,…`, of which the first is active."""

    shown = _PLACE
    restore = "Add the key there again, behind the others."

    def __init__(self, text: str) -> None:
        self._keyring = _parse(text)

    @classmethod
    def from_settings(cls, settings: KeyProviderSettings) -> Self:
        """The entry point.

        Raises:
            KeyUnavailable: no keys are given.
        """
        if not settings.sealing_keys:
            raise KeyUnavailable(
                f"keys.provider is env, and neither {_PLACE} holds the sealing keys. Set one of them to {_FORM}"
            )
        return cls(settings.sealing_keys)

    @property
    def keyring(self) -> Keyring:
        """See `KeyringProvider`."""
        return self._keyring

    def change_or_make(self, change: Callable[[Keyring | None], Keyring]) -> NoReturn:  # noqa: ARG002
        """See `KeyringProvider`.

        Raises:
            InvalidRequest: always, with what to do instead.
        """
        raise InvalidRequest(
            f"The sealing keys come from {_PLACE}, which rotator only reads. For a new active key put ID:KEY in front "
            "(openssl rand -base64 32 makes one), keep the others behind it, start what runs anew, then: rotate key "
            "rewrap. A key that seals nothing any more (rotate key list) can be taken out there."
        )


def _parse(text: str) -> Keyring:
    keys: dict[str, SealingKey] = {}
    for number, entry in enumerate(text.strip().split(","), 1):
        key_id, separator, encoded = entry.strip().partition(":")
        try:
            material = decode_material(encoded)
        except ValueError:
            material = b""
        if not (separator and material and _KEY_ID.fullmatch(key_id)) or key_id in keys:
            # Without the entry, which may be a key.
            raise KeyUnavailable(
                f"The sealing keys from {_PLACE} can't be used: entry {number} is malformed or has the id of another. "
                f"Write {_FORM}"
            )
        keys[key_id] = SealingKey(key_id=key_id, material=material, created_at=None)
    return Keyring(active=next(iter(keys)), keys=keys)
