"""Envelope encryption: each version has a data key of its own, which a sealing key wraps.

A data key seals one value, so no nonce can repeat under it. It is forgotten at once, and unwrapped
anew for each opening.
"""

import time
from dataclasses import dataclass, replace
from typing import TypeVar

from rotator.crypto import aead
from rotator.crypto.keyring_provider import KeyringProvider
from rotator.errors import (
    DecryptionFailure,
    InvalidParameter,
    KeyClosed,
    KeyUnavailable,
    SealingRefused,
)
from rotator.sdk import KeyProvider, SecretValue

_FORMAT = b"rotator:value:2"
_FORMAT_WITH_KEY = b"rotator:value:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """The place of a value in the store. A row that was moved to another place no longer opens."""

    account: str
    region: str
    secret_arn: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """A version's data key as it is stored.

    Attributes:
        key_id: the sealing key that wraps the data key.
        wrapped_key: the data key, as the key provider wrapped it.
        binary: the value is bytes rather than text.
        bound_key_id: the sealing key that the first release bound the value to; None since.
    """

    key_id: str
    wrapped_key: bytes
    binary: bool
    bound_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed(Wrapped):
    """A value as it is stored.

    Attributes:
        nonce: of the value's encryption.
        ciphertext: with its authentication tag.
    """

    nonce: bytes
    ciphertext: bytes


_Wrapped = TypeVar("_Wrapped", bound=Wrapped)


class Sealer:
    """Seals and opens the values of secrets."""

    def __init__(self, provider: KeyProvider) -> None:
        self.provider = provider

    @property
    def opens_at_once(self) -> bool:
        """Whether the keys are in this process, so that who opens a value keeps nobody waiting."""
        return isinstance(self.provider, KeyringProvider)

    def vouches_for(self, key_id: str) -> bool:
        """Whether what is sealed under this key was sealed by who has the keys of this store.

        To be asked where the sealed text comes from outside: it may name any key that the provider can reach, and
        elsewhere than in a keyring that may be one of its author's.

        Raises:
            KeyUnavailable: the key provider can't tell.
        """
        return self.opens_at_once or key_id == self.provider.active_key_id

    def seal(self, value: SecretValue, *, context: SealContext, key: str | None = None) -> Sealed:
        """`value`, sealed for its place.

        Args:
            key: the name of the sealing key, as the secret has it; None for the default one.

        Raises:
            InvalidParameter: the text can't be encoded.
            KeyUnavailable: the key provider can't give the key; `SealingRefused` where it is closed.
        """
        binary = value.binary is not None
        plaintext = _encoded(value)
        bound = _bound(context, binary=binary, key_id=None)
        data_key = aead.new_key()
        nonce, ciphertext = aead.encrypt(data_key, plaintext, bound=bound)
        try:
            keys = self._keys(None)
            key_id = keys.resolve(key)
            wrapped_key = keys.wrap(data_key, key_id=key_id, context=bound)
        except KeyUnavailable as error:
            kind = SealingRefused if isinstance(error, KeyClosed) else KeyUnavailable
            raise kind(f"No value of {context.secret_arn} can be sealed: {error}") from None
        return Sealed(
            key_id=key_id,
            wrapped_key=wrapped_key,
            nonce=nonce,
            ciphertext=ciphertext,
            binary=binary,
        )

    def open(
        self, sealed: Sealed, *, context: SealContext, since: int | None = None
    ) -> SecretValue:
        """The value that was sealed for this place. Errors name the secret and the version.

        Args:
            since: a `moment`; the sealing keys may be those of any time after it. None for those of now.

        Raises:
            KeyUnavailable: the key provider can't give the sealing key; `KeyClosed` where it is closed.
            DecryptionFailure: the row was altered, or moved here from another place.
        """
        bound = _bound(context, binary=sealed.binary, key_id=sealed.bound_key_id)
        data_key = self._unwrap(sealed, context=context, bound=bound, since=since)
        try:
            plaintext = aead.decrypt(
                data_key, nonce=sealed.nonce, ciphertext=sealed.ciphertext, bound=bound
            )
        except DecryptionFailure:
            raise _altered(context) from None
        if sealed.binary:
            return SecretValue(binary=plaintext)
        return SecretValue(string=plaintext.decode())

    def rewrap(self, wrapped: _Wrapped, *, context: SealContext, key: str | None) -> _Wrapped:
        """The same value with its data key under another sealing key; the value itself stays sealed.

        Args:
            key: the name of the sealing key, as the secret has it; None for the default one.

        Raises:
            KeyUnavailable: the key provider can't give one of the two keys.
            DecryptionFailure: the row was altered, or moved here from another place.
        """
        bound = _bound(context, binary=wrapped.binary, key_id=wrapped.bound_key_id)
        data_key = self._unwrap(wrapped, context=context, bound=bound)
        try:
            key_id = self.provider.resolve(key)
            wrapped_key = self.provider.wrap(data_key, key_id=key_id, context=bound)
        except KeyUnavailable as error:
            kind = SealingRefused if isinstance(error, KeyClosed) else KeyUnavailable
            raise kind(f"{_version(context)} can't be sealed: {error}") from None
        return replace(wrapped, key_id=key_id, wrapped_key=wrapped_key)

    @staticmethod
    def moment() -> int:
        """When something began, for `open`."""
        return time.monotonic_ns()

    def _keys(self, since: int | None) -> KeyProvider:
        """The keys as one look at them shows: a provider of the house's own may have to ask a file each time."""
        provider = self.provider
        if isinstance(provider, KeyringProvider):
            return provider.as_of(self.moment() if since is None else since)
        return provider

    def _unwrap(
        self, wrapped: Wrapped, *, context: SealContext, bound: bytes, since: int | None = None
    ) -> bytes:
        try:
            keys = self._keys(since)
            return keys.unwrap(wrapped.wrapped_key, key_id=wrapped.key_id, context=bound)
        except KeyUnavailable as error:
            kind = KeyClosed if isinstance(error, KeyClosed) else KeyUnavailable
            raise kind(f"{_version(context)} can't be opened: {error}") from None
        except DecryptionFailure:
            raise _altered(context) from None


def _bound(context: SealContext, *, binary: bool, key_id: str | None) -> bytes:
    """What a value and its data key are bound to; `key_id` for a value of the first release alone."""
    place = (
        context.account.encode(),
        context.region.encode(),
        context.secret_arn.encode(),
        context.version_id.encode(),
    )
    kind = b"binary" if binary else b"string"
    if key_id is None:
        return aead.encode(_FORMAT, *place, kind)
    return aead.encode(_FORMAT_WITH_KEY, *place, key_id.encode(), kind)


def _encoded(value: SecretValue) -> bytes:
    if value.binary is not None:
        return value.binary
    try:
        return (value.string or "").encode()
    except UnicodeEncodeError:
        # Python's own error quotes the value.
        raise InvalidParameter(
            "The secret's text has code points that are no characters (lone surrogates). "
            "Mend the text, or store the value as binary."
        ) from None


def _version(context: SealContext) -> str:
    return f"Version {context.version_id} of {context.secret_arn}"


def _altered(context: SealContext) -> DecryptionFailure:
    return DecryptionFailure(
        f"{_version(context)} can't be opened: its row in the store was altered, damaged or "
        "moved. Restore the row from a backup of the store, or store a new value: "
        "rotate secret put"
    )
