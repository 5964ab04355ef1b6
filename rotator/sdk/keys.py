"""The protocol of a key provider: where sealing keys live. Entry points in `rotator.key_providers` implement it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

DEFAULT_KEY_ALIAS = "alias/aws/secretsmanager"
"""What the AWS API calls the default key, which is the active one."""

SEALING_KEYS_VARIABLE = "ROTATOR_SEALING_KEYS"
"""The environment variable that the provider `env` takes its keys from where no setting holds them."""

_ARN_FIELDS = 6
_KEY_RESOURCE = "key/"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProviderSettings:
    """What a key provider is made from: an entry point names a callable that takes it and gives a `KeyProvider`.

    Attributes:
        keyring: the setting `keyring.path`.
        sealing_keys: the setting `keys.sealing_keys`, else the environment variable.
        options: the setting `keys.options`, for providers from other packages: a text in a form of their own.
    """

    keyring: Path
    sealing_keys: str | None = field(default=None, repr=False)
    options: str | None = field(default=None, repr=False)


class KeyProvider(Protocol):
    """Wraps and unwraps data keys under sealing keys that never leave it."""

    @property
    def active_key_id(self) -> str:
        """The id of the sealing key that new data keys are wrapped under where no other is asked for.

        Raises:
            KeyUnavailable: the provider has no keys to give.
        """
        ...

    def resolve(self, name: str | None) -> str:
        """The id of the key that a key id, an alias (`alias/payments`) or a key ARN names; None names the active key.

        `key_in` takes such a name apart.

        Raises:
            KeyUnavailable: no such key, or it is disabled.
        """
        ...

    def wrap(self, data_key: bytes, *, key_id: str, context: bytes) -> bytes:
        """`data_key` sealed under `key_id`, bound to `context`.

        Raises:
            KeyUnavailable: no such key, or it is disabled.
        """
        ...

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """The data key.

        Raises:
            KeyUnavailable: no such key, or it is disabled.
            DecryptionFailure: the wrapped key or its context was altered.
        """
        ...


def key_in(name: str | None) -> str | None:
    """The key id or alias in a name as the AWS API takes it; None where it is the default key's.

    `arn:aws:kms:REGION:ACCOUNT:key/ID` → `ID`, `arn:aws:kms:REGION:ACCOUNT:alias/NAME` → `alias/NAME`. Partition,
    region and account say nothing here: an installation has one set of keys.
    """
    bare = name or DEFAULT_KEY_ALIAS
    fields = bare.split(":", _ARN_FIELDS - 1)
    if len(fields) == _ARN_FIELDS and fields[0] == "arn" and fields[2] == "kms":
        bare = fields[-1].removeprefix(_KEY_RESOURCE)
    return None if bare == DEFAULT_KEY_ALIAS else bare
