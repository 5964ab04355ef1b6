"""A rotator's own settings: declared as a dataclass, checked by `rotate rotation set`, listed by `rotate plugins`."""

import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from typing import Any, Literal, Self, TypeVar, get_args, get_origin, overload

from rotator.sdk.errors import Misconfigured
from rotator.sdk.passwords import PasswordPolicy

_MEANING = "meaning"
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_WORDS = {"true": True, "false": False}

T = TypeVar("T")


@overload
def setting(meaning: str) -> Any: ...
@overload
def setting(meaning: str, *, default: T) -> T: ...
def setting(meaning: str, *, default: Any = MISSING) -> Any:
    """A field of a settings model: what it means to the person who sets it; without a default it has to be given."""
    return field(default=default, metadata={_MEANING: meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInfo:
    """One setting, as it is shown.

    Attributes:
        kind: what may be given: `text`, `a whole number`, `true or false`, `texts, separated by commas`, …
        default: as JSON holds it; meaningless where the setting is required.
        required: it has no default.
    """

    name: str
    kind: str
    default: Any
    required: bool
    meaning: str


@dataclass(frozen=True, kw_only=True)
class RotatorSettings:
    """What settings models extend: frozen dataclasses whose fields are made with `setting`.

    A field's type is `str`, `int`, `float`, `bool`, `tuple[str, ...]`, a `Literal` of texts, an enumeration of texts,
    or one of these `| None`. What types can't say is checked in `__post_init__`, which raises `Misconfigured` or
    ValueError.
    """

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The settings in `given`; text, which is all that a command line has, becomes what the field holds.

        Raises:
            Misconfigured: a setting is unknown, missing or has a wrong value; the message names it.
        """
        known = {each.name: each for each in fields(cls)}
        unknown = sorted(given.keys() - known)
        if unknown:
            raise Misconfigured(
                f"this rotator knows no setting {', '.join(unknown)}",
                hint=f"it takes: {', '.join(known)}" if known else "it takes none",
            )
        missing = [name for name, each in known.items() if _required(each) and name not in given]
        if missing:
            raise Misconfigured(
                f"this rotator needs the setting {', '.join(missing)}",
                hint="give it with `rotate rotation set --setting NAME=VALUE`",
            )
        kinds = _kinds(cls)
        read = {name: _read(name, kinds[name], value) for name, value in given.items()}
        try:
            return cls(**read)
        except ValueError as wrong:
            raise Misconfigured(f"the settings can't be used: {wrong}") from None

    def to_mapping(self) -> dict[str, Any]:
        """All settings in a JSON-ready form that `parse` takes."""
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) is not None
        }

    @classmethod
    def describe(cls) -> tuple[SettingInfo, ...]:
        """The settings that there are."""
        kinds = _kinds(cls)
        return tuple(
            SettingInfo(
                name=each.name,
                kind=_kind(kinds[each.name]).words,
                default=None if _required(each) else _plain(each.default),
                required=_required(each),
                meaning=each.metadata.get(_MEANING, ""),
            )
            for each in fields(cls)
        )


@dataclass(frozen=True, kw_only=True)
class PasswordSettings(RotatorSettings):
    """What shapes a new password; a model that extends it has these too."""

    length: int = setting("characters of a new password, 16 to 128", default=32)
    exclude_characters: str = setting("characters that no new password has", default="")
    punctuation: bool = setting("whether a new password may have punctuation", default=True)

    def __post_init__(self) -> None:
        """A password can be made by them.

        Raises:
            Misconfigured: the length is out of its range, or the exclusions leave too little.
        """
        self.policy().check()

    def policy(self) -> PasswordPolicy:
        """The same, as what makes passwords."""
        return PasswordPolicy(
            length=self.length, exclude=self.exclude_characters, punctuation=self.punctuation
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a field holds: in words, and how a value becomes it (None: it can't)."""

    words: str
    read: Callable[[Any], Any]


def _kinds(model: type[Any]) -> Mapping[str, Any]:
    """The types of a model's fields. Finding them out costs more than all else that reading settings does."""
    known = _KINDS.get(model)
    if known is None:
        known = _KINDS[model] = typing.get_type_hints(model)
    return known


_KINDS: dict[type[Any], Mapping[str, Any]] = {}


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _read(name: str, hint: Any, value: Any) -> Any:
    kind = _kind(hint)
    read = kind.read(value)
    if read is None:
        raise Misconfigured(
            f"the setting {name} is {value!r}, which is not {kind.words}",
            hint=f"set {name} to {kind.words}",
        )
    return read


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _kind(hint: Any) -> _Kind:
    if get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if get_origin(hint) is Literal:
        return _one_of({text: text for text in get_args(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of({member.value: member for member in hint})
    raise TypeError(f"a setting can't be of the type {hint}: see RotatorSettings")


def _one_of(choices: Mapping[str, Any]) -> _Kind:
    def read(value: Any) -> Any:
        return choices.get(value) if isinstance(value, str) else None

    return _Kind(f"one of: {', '.join(choices)}", read)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.lower())
    return value if isinstance(value, bool) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if value.strip() else []
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return None


_SIMPLE: Mapping[Any, _Kind] = {
    str: _Kind("text", _text),
    int: _Kind("a whole number", _whole),
    float: _Kind("a number", _number),
    bool: _Kind("true or false", _truth),
    tuple[str, ...]: _Kind("texts, separated by commas", _texts),
}
