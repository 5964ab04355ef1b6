"""How these rotators read their settings: a frozen dataclass whose fields are the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from rotator.sdk import Misconfigured

_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSettings:
    """The settings of one rotator; what comes from the command line is text and is converted."""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The settings, with the defaults of those that were not given.

        Raises:
            Misconfigured: a setting is unknown or has a wrong value; the message names it.
        """
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(given.keys() - known.keys())
        if unknown:
            raise Misconfigured(
                f"this rotator knows no setting {', '.join(unknown)}",
                hint=f"it takes: {', '.join(known)}",
            )
        return cls(
            **{name: _converted(name, known[name].type, given[name]) for name in sorted(given)}
        )


def _converted(name: str, kind: Any, value: Any) -> Any:
    if kind is bool and value in _BOOLEANS:
        return _BOOLEANS[value]
    if kind is int and isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in set(kind):
            raise Misconfigured(
                f"the setting {name} is {value!r}", hint=f"it is one of: {', '.join(kind)}"
            )
        return kind(value)
    if type(value) is not kind:  # an exact match, because True is an int as well
        raise Misconfigured(
            f"the setting {name} is {value!r}, which is not of type {kind.__name__}"
        )
    return value
