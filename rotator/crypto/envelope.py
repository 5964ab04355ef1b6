"""Envelope encryption: each version has a data key of its own, which a sealing key wraps.

A data key seals one value, so no nonce can repeat under it. It is forgotten at once, and unwrapped
anew for each opening.
"""

from dataclasses import dataclass

from rotator.crypto import aead
from rotator.errors import DecryptionFailure, InvalidParameter, KeyUnavailable
from rotator.sdk import KeyProvider, SecretValue

_FORMAT = b"rotator:value:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """The place of a value in the store. A row that was moved to another place no longer opens."""

    account: str
    region: str
    secret_arn: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A value as it is stored.

    Attributes:
        key_id: the sealing key that wraps the data key.
        wrapped_key: the data key, as the key provider wrapped it.
        nonce: of the value's encryption.
        ciphertext: with its authentication tag.
        binary: the value is bytes rather than text.
    """

    key_id: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes
    binary: bool


class Sealer:
    """Seals and opens the values of secrets."""

    def __init__(self, provider: KeyProvider) -> None:
        self.provider = provider

    def seal(self, value: SecretValue, *, context: SealContext) -> Sealed:
        """`value`, sealed for its place under the active sealing key.

        Raises:
            InvalidParameter: the text can't be encoded.
            KeyUnavailable: the key provider has no active key to give.
        """
        binary = value.binary is not None
        plaintext = _encoded(value)
        key_id = self.provider.active_key_id
        bound = _bound(context, key_id=key_id, binary=binary)
        data_key = aead.new_key()
        nonce, ciphertext = aead.encrypt(data_key, plaintext, bound=bound)
        wrapped_key = self.provider.wrap(data_key, key_id=key_id, context=bound)
        return Sealed(
            key_id=key_id,
            wrapped_key=wrapped_key,
            nonce=nonce,
            ciphertext=ciphertext,
            binary=binary,
        )

    def open(self, sealed: Sealed, *, context: SealContext) -> SecretValue:
        """The value that was sealed for this place. Errors name the secret and the version.

        Raises:
            KeyUnavailable: the key provider can't give the sealing key.
            DecryptionFailure: the row was altered, or moved here from another place.
        """
        bound = _bound(context, key_id=sealed.key_id, binary=sealed.binary)
        try:
            data_key = self.provider.unwrap(sealed.wrapped_key, key_id=sealed.key_id, context=bound)
            plaintext = aead.decrypt(
                data_key, nonce=sealed.nonce, ciphertext=sealed.ciphertext, bound=bound
            )
        except KeyUnavailable as error:
            raise KeyUnavailable(f"{_cannot_open(context)}: {error}") from None
        except DecryptionFailure:
            raise DecryptionFailure(
                f"{_cannot_open(context)}: its row in the store was altered, damaged or "
                "moved. Restore the row from a backup of the store, or store a new value: "
                "rotate secret put"
            ) from None
        if sealed.binary:
            return SecretValue(binary=plaintext)
        return SecretValue(string=plaintext.decode())


def _bound(context: SealContext, *, key_id: str, binary: bool) -> bytes:
    kind = "binary" if binary else "string"
    place = (context.account, context.region, context.secret_arn, context.version_id)
    return aead.encode(_FORMAT, *(field.encode() for field in (*place, key_id, kind)))


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


def _cannot_open(context: SealContext) -> str:
    return f"Version {context.version_id} of {context.secret_arn} can't be opened"
