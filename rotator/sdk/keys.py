"""The protocol of a key provider: where sealing keys live. Entry points in `rotator.key_providers` implement it."""

from typing import Protocol


class KeyProvider(Protocol):
    """Wraps and unwraps data keys under sealing keys that never leave it."""

    @property
    def active_key_id(self) -> str:
        """The id of the sealing key that new data keys are wrapped under."""
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
