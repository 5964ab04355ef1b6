"""What a setting becomes of what was given: numbers within bounds, truth values, lists, choices. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import Field
from enum import StrEnum
from typing import Any

from rotator.errors import ConfigurationError
from rotator.model.lengths import parse_length, shown_length


def _number(item: Field[Any], value: Any, *, key: str) -> float:
    low, high = item.metadata["low"], item.metadata["high"]
    whole = item.type is int
    expected = f"expected {'a whole number' if whole else 'a number'} from {low:g} to {high:g}."
    if isinstance(value, bool) or (whole and isinstance(value, float)):
        raise ConfigurationError(f"{key}: {expected}")
    try:
        number: float = int(value) if whole else float(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{key}: {expected}") from None
    if not low <= number <= high:
        raise ConfigurationError(f"{key}: {number:g} is out of range; {expected}")
    return number


def _texts(_item: Field[Any], value: Any, *, key: str) -> tuple[str, ...]:
    """A list of texts, as they are: what a reference gives may be secret."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ConfigurationError(f"{key}: expected a list of texts, such as [one, two].")
    return tuple(value)


def _truth(_item: Field[Any], value: Any, *, key: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{key}: expected true or false.")
    return value


def length(item: Field[Any], value: Any, *, key: str) -> float:
    """Seconds, of a number of them or of a text such as `30m`.

    Raises:
        ConfigurationError: it is no length of time, or out of bounds.
    """
    if not isinstance(value, str):
        return _number(item, value, key=key)
    try:
        seconds = parse_length(value)
    except ValueError as error:
        raise ConfigurationError(f"{key}: {error}.") from None
    low, high = item.metadata["low"], item.metadata["high"]
    if not low <= seconds <= high:
        raise ConfigurationError(
            f"{key}: {value} is out of range; expected {shown_length(low)} to {shown_length(high)}."
        )
    return seconds


PLAIN: Mapping[Any, Callable[..., Any]] = {
    int: _number,
    float: _number,
    bool: _truth,
    tuple[str, ...]: _texts,
}
"""What makes a setting of each type, given the field, what was given, and the key for messages."""


def choice(kind: type[StrEnum], value: str, *, key: str) -> StrEnum:
    """A member of an enumeration.

    Raises:
        ConfigurationError: there is none of this value.
    """
    try:
        return kind(value)
    except ValueError:
        raise ConfigurationError(f"{key}: expected one of {', '.join(kind)}.") from None
