"""Rotators that the configuration declares: programs and endpoints, each under a name of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import distribution
from typing import TYPE_CHECKING, Any

from rotator.rotation.registry import BUILTIN_DISTRIBUTION, RotatorEntry
from rotator.sdk import Rotator

if TYPE_CHECKING:
    from rotator.rotation.facts import RotatorFacts

GROUP = "rotator.declared"
"""Entry points of the kinds: classes that are made with a name and with what was declared."""


@dataclass(frozen=True)
class DeclaredEntry(RotatorEntry):
    """One declared rotator.

    Attributes:
        section: where in the configuration it is declared.
        options: what its class is made with; it may be secret.
    """

    section: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def origin(self) -> str:
        """Where in the configuration."""
        return f"{self.section}.{self.name} in the configuration"

    @cached_property
    def facts(self) -> "RotatorFacts":
        """Those of its kind, and what was declared of it."""
        return replace(super().facts, issues_value=bool(self.options.get("issues_value")))

    @property
    def aliases(self) -> tuple[str, ...]:
        """None: its name is the operator's choice."""
        return ()

    @property
    def summary(self) -> str:
        """One line about it, with the program or the address."""
        return "" if isinstance(self._loaded, str) else self._new(self._loaded).summary

    def _new(self, kind: type[Rotator]) -> Rotator:
        return kind(name=self.name, **self.options)  # type: ignore[call-arg]  # as the kinds are made


def declared(
    commands: Mapping[str, Mapping[str, Any]], webhooks: Mapping[str, Mapping[str, Any]]
) -> Iterator[RotatorEntry]:
    """The entries of declared programs and endpoints, from their options by name."""
    for section, kind, given in (
        ("commands", "command", commands),
        ("webhooks", "webhook", webhooks),
    ):
        if given:
            points = distribution(BUILTIN_DISTRIBUTION).entry_points
            (point,) = points.select(group=GROUP, name=kind)
            for name, options in given.items():
                yield DeclaredEntry(name, point, section=section, options=options)
