"""What the key providers that hold their keys in memory have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from rotator.crypto import aead
from rotator.crypto.sealing_keys import Keyring, KeyState
from rotator.errors import InvalidRequest, KeyClosed
from rotator.sdk import KeyProvider, key_in

_FORMAT = b"rotator:data-key:1"


class KeyringProvider(ABC):
    """Wraps data keys under the keys of a keyring.

    Each wrapping takes a random 96-bit nonce, good for 2³² wrappings by one sealing key
    (NIST SP 800-38D, 8.3).
    """

    shown: str
    """Where the keys are, for people."""

    restore: str
    """How a key that is missing comes back."""

    @property
    @abstractmethod
    def keyring(self) -> Keyring:
        """The keys as they are now.

        Raises:
            KeyUnavailable: they can't be had.
        """

    def as_of(self, moment: int) -> KeyProvider:  # noqa: ARG002  # where keys can change meanwhile
        """Gives out the keys as they were at a moment, or at any later one: a look at them in between will do.

        Args:
            moment: of `Sealer.moment`.

        Raises:
            KeyUnavailable: they can't be had.
        """
        return self

    def change_or_make(self, change: Callable[[Keyring | None], Keyring]) -> Keyring:  # noqa: ARG002  # if they can be
        """Replaces the keys by what `change` makes of them, durably, and gives them.

        Args:
            change: gets None where there are no keys yet; whatever it raises leaves the keys as they were.

        Raises:
            InvalidRequest: these keys are not rotator's to change.
            KeyUnavailable: they can't be read or written; they are as they were.
        """
        raise InvalidRequest(
            f"The sealing keys can't be changed here: rotator only reads {self.shown}."
        )

    @property
    def active_key_id(self) -> str:
        """See `KeyProvider`."""
        return self.keyring.active

    def resolve(self, name: str | None) -> str:
        """See `KeyProvider`."""
        keyring = self.keyring
        key_id = keyring.id_of(name)
        if key_id is None:
            raise self._missing(key_in(name) or "")
        self._material(keyring, key_id)
        return key_id

    def wrap(self, data_key: bytes, *, key_id: str, context: bytes) -> bytes:
        """See `KeyProvider`."""
        nonce, ciphertext = aead.encrypt(
            self._material(self.keyring, key_id),
            data_key,
            bound=_bound(key_id=key_id, context=context),
        )
        return nonce + ciphertext

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """See `KeyProvider`."""
        return aead.decrypt(
            self._material(self.keyring, key_id),
            nonce=wrapped[: aead.NONCE_BYTES],
            ciphertext=wrapped[aead.NONCE_BYTES :],
            bound=_bound(key_id=key_id, context=context),
        )

    def _material(self, keyring: Keyring, key_id: str) -> bytes:
        key = keyring.keys.get(key_id)
        if key is None:
            raise self._missing(key_id)
        if key.state is KeyState.DISABLED:
            raise KeyClosed(
                f"the sealing key {key_id} is disabled. Enable it: rotate key enable {key_id}"
            )
        return key.material

    def _missing(self, name: str) -> KeyClosed:
        if name.startswith("alias/"):
            return KeyClosed(
                f"{self.shown} has no alias {name}. Let it name a key again: rotate key alias {name} KEY"
            )
        return KeyClosed(f"{self.shown} has no sealing key {name}. {self.restore}")


class HeldKeys(KeyringProvider):
    """A keyring as it was once, or as it would be, to be tried before it is kept."""

    def __init__(
        self,
        keyring: Keyring,
        *,
        shown: str = "the keyring",
        restore: str = "Restore it from its backup.",
    ) -> None:
        self._keyring = keyring
        self.shown = shown
        self.restore = restore

    @property
    def keyring(self) -> Keyring:
        """See `KeyringProvider`."""
        return self._keyring


def _bound(*, key_id: str, context: bytes) -> bytes:
    return aead.encode(_FORMAT, key_id.encode(), context)
