"""Plugins that are made once, when a process begins: found by their entry points, the house's own first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

from rotator.errors import ConfigurationError, RotatorError
from rotator.sdk import StepError

_HOUSE = "rotator-engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginKind:
    """One kind of them.

    Attributes:
        group: of their entry points.
        called: in messages, such as `key provider`.
        members: what each of them has to have.
    """

    group: str
    called: str
    members: tuple[str, ...]

    def make(self, name: str, make: Callable[[Any], object], *, key: str) -> Any:
        """The plugin of a name. No other package can take the names of the house's own.

        Args:
            make: calls what the entry point gives.
            key: of the setting that names it.

        Raises:
            ConfigurationError: there is none of this name, there are several, or it can't be loaded or made.
            RotatorError: what the plugin itself raises of these.
        """
        point = self._find(name, key)
        try:
            made = make(point.load())
        except RotatorError:
            raise
        except StepError as error:
            raise self._broken(point, str(error), key) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a broken plugin is told, not traced
            # An ImportError names modules. Anything else may quote a key.
            detail = f": {error}" if isinstance(error, ImportError) else ""
            why = f"it failed with {type(error).__name__}{detail}"
            raise self._broken(point, why, key) from None
        missing = [member for member in self.members if not hasattr(type(made), member)]
        if missing:
            why = f"what {point.value} gives lacks {', '.join(missing)}"
            raise self._broken(point, why, key)
        return made

    def _find(self, name: str, key: str) -> EntryPoint:
        own = self._own(name)
        found = own or tuple(entry_points(group=self.group, name=name))
        if len(found) == 1:
            return found[0]
        if found:
            packages = " and ".join(sorted(_package(point) for point in found))
            raise ConfigurationError(
                f"{key}: {packages} each bring a {self.called} {name}, so none can be meant. Uninstall all but one."
            )
        known = sorted({point.name for point in entry_points(group=self.group)})
        raise ConfigurationError(
            f"{key}: there is no {self.called} {name}. Installed: {', '.join(known)}. Correct the setting, or "
            "install the package that brings it."
        )

    def _own(self, name: str) -> tuple[EntryPoint, ...]:
        try:
            points: Iterable[EntryPoint] = distribution(_HOUSE).entry_points
        except PackageNotFoundError:  # run from a source tree that was not installed
            return ()
        return tuple(point for point in points if point.group == self.group and point.name == name)

    def _broken(self, point: EntryPoint, why: str, key: str) -> ConfigurationError:
        return ConfigurationError(
            f"{key}: the {self.called} {point.name} (package {_package(point)}) can't be used: {why}. Reinstall the "
            "package, or name another one."
        )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "?"
