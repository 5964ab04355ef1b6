"""The key providers that are installed: entry points in the group `rotator.key_providers`."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import cast

from rotator.errors import ConfigurationError, RotatorError
from rotator.sdk import KeyProvider, KeyProviderSettings

GROUP = "rotator.key_providers"
_HOUSE = "rotator-engine"
_MEMBERS = ("active_key_id", "resolve", "wrap", "unwrap")


def load_provider(name: str, settings: KeyProviderSettings) -> KeyProvider:
    """The key provider that `keys.provider` names. The house's own go first: no other package can take their names.

    Raises:
        ConfigurationError: there is none of this name, there are several, or it can't be loaded or made.
        KeyUnavailable: it finds no keys.
    """
    point = _find(name)
    try:
        provider = point.load()(settings)
    except RotatorError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a broken plugin is told, not traced
        # An ImportError names modules. Anything else may quote a key.
        detail = f": {error}" if isinstance(error, ImportError) else ""
        raise _broken(point, f"it failed with {type(error).__name__}{detail}") from None
    missing = [member for member in _MEMBERS if not hasattr(type(provider), member)]
    if missing:
        raise _broken(point, f"what {point.value} gives lacks {', '.join(missing)}")
    return cast("KeyProvider", provider)


def _find(name: str) -> EntryPoint:
    own = _own(name)
    found = own or tuple(entry_points(group=GROUP, name=name))
    if len(found) == 1:
        return found[0]
    if found:
        packages = " and ".join(sorted(_package(point) for point in found))
        raise ConfigurationError(
            f"keys.provider: {packages} each bring a key provider {name}, so none can be meant. Uninstall all but one."
        )
    known = sorted({point.name for point in entry_points(group=GROUP)})
    raise ConfigurationError(
        f"keys.provider: there is no key provider {name}. Installed: {', '.join(known)}. Correct the setting, or "
        "install the package that brings it."
    )


def _own(name: str) -> tuple[EntryPoint, ...]:
    try:
        points: Iterable[EntryPoint] = distribution(_HOUSE).entry_points
    except PackageNotFoundError:  # run from a source tree that was not installed
        return ()
    return tuple(point for point in points if point.group == GROUP and point.name == name)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "?"


def _broken(point: EntryPoint, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"keys.provider: the key provider {point.name} (package {_package(point)}) can't be used: {why}. Reinstall the "
        "package, or name another provider."
    )
