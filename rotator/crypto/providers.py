"""The key providers that are installed: entry points in the group `rotator.key_providers`."""

from typing import cast

from rotator.installed import PluginKind
from rotator.sdk import KeyProvider, KeyProviderSettings

_PROVIDERS = PluginKind(
    group="rotator.key_providers",
    called="key provider",
    members=("active_key_id", "resolve", "wrap", "unwrap"),
)


def load_provider(name: str, settings: KeyProviderSettings) -> KeyProvider:
    """The key provider that `keys.provider` names. The house's own go first: no other package can take their names.

    Raises:
        ConfigurationError: there is none of this name, there are several, or it can't be loaded or made.
        KeyUnavailable: it finds no keys.
    """
    made = _PROVIDERS.make(name, lambda provider: provider(settings), key="keys.provider")
    return cast("KeyProvider", made)
