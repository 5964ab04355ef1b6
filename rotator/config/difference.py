"""What is different in a configuration that was read anew. Pure."""

from collections.abc import Collection
from keyword import iskeyword
from operator import attrgetter

from rotator.config.load import keys
from rotator.config.settings import Settings
from rotator.errors import ConfigurationError


def changed_keys(before: Settings, after: Settings) -> tuple[str, ...]:
    """The keys of the settings that are different."""
    return tuple(key for key in keys() if _value(before, key) != _value(after, key))


def _value(settings: Settings, key: str) -> object:
    parts = [f"{part}_" if iskeyword(part) else part for part in key.split(".")]
    return attrgetter(".".join(parts))(settings)


def require_same(before: Settings, after: Settings, *, held: Collection[str]) -> None:
    """Nothing, where these settings, or all of these sections, are the same.

    Raises:
        ConfigurationError: with the keys of those that are not.
    """
    other = [key for key in changed_keys(before, after) if {key, key.split(".")[0]} & {*held}]
    if other:
        raise ConfigurationError(
            f"{', '.join(other)}: this can't change while the daemon runs. Restart it, or set it back; the "
            "configuration that it had is kept."
        )
