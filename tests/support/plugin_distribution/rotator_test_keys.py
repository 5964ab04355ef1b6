"""Key providers of another distribution: one that works, and some that don't."""

from rotator.sdk import KeyProviderSettings, KeyUnavailable, key_in

_KEYS = ("v1", "v2")


class Vault:
    """Wraps by turning the bytes around, which no one should."""

    def __init__(self, settings: KeyProviderSettings) -> None:
        self.options = settings.options

    @property
    def active_key_id(self) -> str:
        return "v2"

    def resolve(self, name: str | None) -> str:
        key_id = key_in(name) or "v2"
        if key_id not in _KEYS:
            raise KeyUnavailable(f"the vault has no key {key_id}")
        return key_id

    def wrap(self, data_key: bytes, *, key_id: str, context: bytes) -> bytes:
        return key_id.encode() + data_key[::-1] + context

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        assert wrapped.startswith(key_id.encode())
        assert wrapped.endswith(context)
        return wrapped[2:34][::-1]


class Half:
    """Lacks most of what a provider has."""

    active_key_id = "half"

    def __init__(self, settings: KeyProviderSettings) -> None:
        """Takes what every provider takes."""


def failing(settings: KeyProviderSettings) -> Vault:
    raise RuntimeError(f"can't log in with {settings.options}")
