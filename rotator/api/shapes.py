"""What the JSON of a request has to be, out of botocore's model: types and required members.

Limits (lengths, patterns, enumerations) are the manager's to check, since some of them are other errors there. Members
that the model doesn't know are left out, as the real service does.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from rotator.api.errors import SerializationError
from rotator.errors import ValidationError
from rotator.manager import limits

Reader: TypeAlias = Callable[[Any, str], Any]
"""Reads a JSON value; the text says where it stands, for messages."""

_ARTICLES = {"String": "a", "Blob": "a", "Boolean": "a", "Long": "a", "Integer": "an"}
_LARGEST = {"Integer": 2**31 - 1, "Long": 2**63 - 1}


@cache
def reader(operation: str) -> Callable[[Any], dict[str, Any]]:
    """What reads the input of an operation.

    It raises SerializationError where a type is another one, and ValidationError where a required member is missing.
    """
    shapes = limits.shapes()
    structure = _structure(shapes, limits.operations()[operation]["input"]["shape"])
    return lambda given: structure(given, "")


def _reader(shapes: Mapping[str, Any], name: str) -> Reader:
    match shapes[name]["type"]:
        case "string":
            return _text
        case "blob":
            return _blob
        case "boolean":
            return _boolean
        case "integer":
            return _whole("Integer")
        case "long":
            return _whole("Long")
        case "list":
            return _list(_reader(shapes, shapes[name]["member"]["shape"]))
        case "structure":
            return _structure(shapes, name)
        case kind:
            raise AssertionError(f"no input of the API has the type {kind}")


def _structure(shapes: Mapping[str, Any], name: str) -> Callable[[Any, str], dict[str, Any]]:
    members = {
        member: (_reader(shapes, inner["shape"]), member[:1].lower() + member[1:])
        for member, inner in shapes[name].get("members", {}).items()
    }
    required = tuple(shapes[name].get("required", ()))

    def read(given: Any, at: str) -> dict[str, Any]:
        if type(given) is not dict:
            raise _misplaced(given, "Expected a structure")
        found = {}
        for member, value in given.items():
            known = members.get(member)
            if known is not None and value is not None:
                found[member] = known[0](value, f"{at}.{known[1]}" if at else known[1])
        for member in required:
            if member not in found:
                raise _missing([name for name in required if name not in found], members, at)
        return found

    return read


def _missing(names: list[str], members: Mapping[str, Any], at: str) -> ValidationError:
    prefix = f"{at}." if at else ""
    problems = "; ".join(
        f"Value null at '{prefix}{members[name][1]}' failed to satisfy constraint: Member must not be null"
        for name in names
    )
    errors = "1 validation error" if len(names) == 1 else f"{len(names)} validation errors"
    return ValidationError(f"{errors} detected: {problems}")


def _list(inner: Reader) -> Reader:
    def read(given: Any, at: str) -> list[Any]:
        if type(given) is not list:
            raise _misplaced(given, "Expected list or null")
        items = []
        for number, item in enumerate(given, 1):
            place = f"{at}.{number}.member"
            if item is None:
                raise ValidationError(
                    f"1 validation error detected: Value null at '{place}' failed to satisfy constraint: "
                    "Member must not be null"
                )
            items.append(inner(item, place))
        return items

    return read


def _text(given: Any, _at: str) -> str:
    if type(given) is str:
        return given
    raise _unfit(given, "String")


def _blob(given: Any, at: str) -> bytes:
    if type(given) is not str:
        raise _unfit(given, "Blob")
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise SerializationError(f"{at} is not base64-encoded.") from None


def _boolean(given: Any, _at: str) -> bool:
    if type(given) is bool:
        return given
    raise _unfit(given, "Boolean")


def _whole(kind: str) -> Reader:
    largest = _LARGEST[kind]

    def read(given: Any, _at: str) -> int:
        if type(given) is not int or not -largest - 1 <= given <= largest:
            raise _unfit(given, kind)
        return given

    return read


def _unfit(given: Any, kind: str) -> SerializationError:
    match given:
        case True | False:
            what = f"{str(given).upper()}_VALUE"
        case int():
            what = "NUMBER_VALUE"
        case float():
            what = "DECIMAL_VALUE"
        case str():
            what = "STRING_VALUE"
        case _:
            return _misplaced(given, "Unexpected value")
    return SerializationError(f"{what} can not be converted to {_ARTICLES[kind]} {kind}")


def _misplaced(given: Any, expected: str) -> SerializationError:
    match given:
        case list():
            return SerializationError("Start of list found where not expected")
        case dict():
            return SerializationError("Start of structure or map found where not expected.")
        case _:
            return SerializationError(expected)
