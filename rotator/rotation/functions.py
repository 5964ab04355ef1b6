"""The rotation functions that are declared on this machine, and those that an ARN names elsewhere, as entries of the
registry.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, distribution
from typing import Any

from rotator.rotation.declared import GROUP
from rotator.rotation.registry import BUILTIN_DISTRIBUTION, HostedEntry, RotatorEntry


def local_functions(functions: Mapping[str, Mapping[str, Any]]) -> Iterator[RotatorEntry]:
    """The entries of files on this machine, from their options by name."""
    if functions:
        point = _kind("function")
        for name, options in functions.items():
            yield HostedEntry(name, point, section=f"functions.{name}", options=options)


def functions_elsewhere(options: Mapping[str, Any]) -> Callable[[str], RotatorEntry]:
    """What makes the entry of a function that an ARN names."""
    point = _kind("lambda")
    return lambda arn: HostedEntry(arn, point, section="lambda", options=options)


def _kind(name: str) -> EntryPoint:
    points = distribution(BUILTIN_DISTRIBUTION).entry_points
    (point,) = points.select(group=GROUP, name=name)
    return point
