"""The notifiers that are installed: entry points in the group `rotator.notifiers`."""

from collections.abc import Mapping
from typing import Any, cast

from rotator.installed import PluginKind
from rotator.sdk import Notifier

_NOTIFIERS = PluginKind(group="rotator.notifiers", called="notifier", members=("notify",))


def load_notifier(kind: str, options: Mapping[str, Any], *, key: str) -> Notifier:
    """A notifier, made with these options as keyword arguments.

    Args:
        kind: the name of its entry point.
        key: of the setting that declares it.

    Raises:
        ConfigurationError: there is none of this kind, there are several, or it can't be loaded or made.
    """
    return cast("Notifier", _NOTIFIERS.make(kind, lambda make: make(**options), key=key))
