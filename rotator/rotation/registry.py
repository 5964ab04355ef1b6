"""The rotators that are installed: entry points in the group `rotator.rotators`."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Self

from rotator.errors import ConfigurationError, ResourceNotFound
from rotator.sdk import Rotator

GROUP = "rotator.rotators"
_BUILTIN_PACKAGE = "rotators"


@dataclass(frozen=True)
class RotatorEntry:
    """One installed rotator; its module is loaded when something of it is needed.

    Attributes:
        name: the entry point's name, which is the rotator's.
    """

    name: str
    point: EntryPoint

    @cached_property
    def distribution(self) -> str:
        """The pip package that it came with."""
        return self.point.dist.name if self.point.dist else "?"

    @property
    def version(self) -> str:
        """The version of that package."""
        return self.point.dist.version if self.point.dist else "?"

    @cached_property
    def builtin(self) -> bool:
        """Whether it is one of the house's own, which run in threads; others get a process."""
        return (
            self.point.module.split(".")[0] == _BUILTIN_PACKAGE
            and self.distribution == "rotator-engine"
        )

    @cached_property
    def _loaded(self) -> type[Rotator] | str:
        try:
            found = self.point.load()
        except Exception as error:  # noqa: BLE001  # a broken plugin is listed, it takes nothing else down
            return f"{type(error).__name__}: {error}"
        if not (isinstance(found, type) and issubclass(found, Rotator)):
            return f"{self.point.value} is not a subclass of rotator.sdk.Rotator"
        return found

    @property
    def error(self) -> str | None:
        """Why it can't be used, None where it can."""
        return self._loaded if isinstance(self._loaded, str) else None

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that it answers to, such as those of AWS's templates."""
        return () if isinstance(self._loaded, str) else self._loaded.aliases

    @property
    def summary(self) -> str:
        """One line about it."""
        return "" if isinstance(self._loaded, str) else self._loaded.summary

    def make(self) -> Rotator:
        """An instance for one attempt, in this process.

        Raises:
            ConfigurationError: the plugin is broken.
        """
        if isinstance(self._loaded, str):
            raise ConfigurationError(
                f"rotator {self.name} (package {self.distribution} {self.version}) can't be loaded: {self._loaded}. "
                "Reinstall or remove the package; `rotate plugins` lists what is there."
            )
        return self._loaded()


class RotatorRegistry:
    """Finds rotators by name, alias or RotationLambdaARN."""

    def __init__(self, entries: Iterable[RotatorEntry]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    @classmethod
    def load(cls) -> Self:
        """The rotators installed in this environment."""
        return cls(RotatorEntry(point.name, point) for point in entry_points(group=GROUP))

    def entries(self) -> tuple[RotatorEntry, ...]:
        """All of them, by name."""
        return tuple(self._entries[name] for name in sorted(self._entries))

    def resolve(self, reference: str) -> RotatorEntry:
        """The rotator that a name, an alias, or an ARN whose function has such a name stands for.

        Raises:
            ResourceNotFound: there is none; the message lists what there is.
        """
        name = _function_name(reference)
        if name in self._entries:
            return self._entries[name]
        for entry in self.entries():
            if name in entry.aliases:
                return entry
        known = ", ".join(sorted(self._entries)) or "none"
        raise ResourceNotFound(
            f"There is no rotator {reference!r}. Installed: {known}. "
            "Install the package that brings it, or choose one of these with `rotate rotation set --rotator`."
        )


def _function_name(reference: str) -> str:
    """`arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]` → NAME; anything else as it is."""
    if not reference.startswith("arn:"):
        return reference
    _, _, tail = reference.partition(":function:")
    return tail.split(":")[0]
