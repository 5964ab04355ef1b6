"""Secrets as lines of JSON: what `rotate secret export` writes and `rotate secret import` reads.

A line is `{"name": …, "description": …, "kms_key_id": …, "tags": {…}, "version_id": …, "value": …}`; only the name is
needed. `binary` (in base64) stands in place of `value` for bytes; a `value` that is an object is kept as its JSON text.
In place of one value, `versions` lists several, oldest first, each with `labels`.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from rotator.errors import InvalidParameter
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.model.labels import CURRENT
from rotator.sdk import SecretValue

_ABOUT = ("name", "description", "kms_key_id", "tags")
_VALUE = ("version_id", "value", "binary")
_OF_SECRET = (*_ABOUT, *_VALUE, "versions")
_OF_VERSION = (*_VALUE, "labels")


def encode(secret: PortableSecret) -> bytes:
    """The secret as a line. One version with AWSCURRENT alone is written without a list."""
    fields: dict[str, Any] = {"name": secret.name}
    if secret.description is not None:
        fields["description"] = secret.description
    if secret.kms_key_id is not None:
        fields["kms_key_id"] = secret.kms_key_id
    if secret.tags:
        fields["tags"] = dict(secret.tags)
    if len(secret.versions) == 1 and secret.versions[0].stages == (CURRENT,):
        fields |= _version_fields(secret.versions[0])
    elif secret.versions:
        fields["versions"] = [
            {**_version_fields(version), "labels": list(version.stages)}
            for version in secret.versions
        ]
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def decode(line: bytes) -> PortableSecret:
    """The secret of a line.

    Raises:
        InvalidParameter: the line is malformed. The message quotes nothing of it: any of it may be a value.
    """
    fields = _parse(line)
    _check_fields(fields, _OF_SECRET, what="line")
    listed = fields.get("versions")
    if listed is None:
        versions = _only_version(fields)
    elif any(name in fields for name in _VALUE):
        raise InvalidParameter("it has both a value and versions; give one of them")
    else:
        versions = tuple(_version(each) for each in _typed(listed, list, "versions", "a list"))
    return PortableSecret(
        name=_text(fields, "name") or "",
        description=_text(fields, "description"),
        kms_key_id=_text(fields, "kms_key_id"),
        tags=_tags(fields.get("tags")),
        versions=versions,
    )


def _version_fields(version: PortableVersion) -> dict[str, Any]:
    value = version.value
    content = (
        {"value": value.string}
        if value.string is not None
        else {"binary": base64.b64encode(value.binary or b"").decode("ascii")}
    )
    return {"version_id": version.version_id, **content}


def _parse(line: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_without_repetition)
    except UnicodeDecodeError:
        raise InvalidParameter("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        what = error.msg.partition(":")[0]  # after it, some quote a character
        raise InvalidParameter(f"it is not JSON: {what} (column {error.colno})") from None
    except (ValueError, RecursionError):
        raise InvalidParameter("it is not JSON that can be read") from None
    if not isinstance(parsed, dict):
        raise InvalidParameter("it is not a JSON object")
    return parsed


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InvalidParameter("it has the same field twice")
    return fields


def _check_fields(fields: Mapping[str, Any], known: tuple[str, ...], *, what: str) -> None:
    if not set(fields) <= set(known):
        raise InvalidParameter(f"it has an unknown field; a {what} may have: {', '.join(known)}")


def _only_version(fields: Mapping[str, Any]) -> tuple[PortableVersion, ...]:
    if "value" in fields or "binary" in fields:
        version_id = _text(fields, "version_id")
        return (PortableVersion(version_id=version_id, value=_value(fields)),)
    if fields.get("version_id") is not None:
        raise InvalidParameter("it has a version_id but no value")
    return ()


def _version(fields: Any) -> PortableVersion:
    fields = _typed(fields, dict, "versions", "a list of objects")
    _check_fields(fields, _OF_VERSION, what="version")
    labels = _typed(fields.get("labels", []), list, "labels", "a list of texts")
    for label in labels:
        _typed(label, str, "labels", "a list of texts")
    return PortableVersion(
        version_id=_text(fields, "version_id"), value=_value(fields), stages=tuple(labels)
    )


def _value(fields: Mapping[str, Any]) -> SecretValue:
    value, binary = fields.get("value"), _text(fields, "binary")
    if (value is None) == (binary is None):
        raise InvalidParameter("it needs either a value or a binary")
    if binary is not None:
        try:
            return SecretValue(binary=base64.b64decode(binary, validate=True))
        except (binascii.Error, ValueError):
            raise InvalidParameter("its binary is not base64") from None
    if isinstance(value, dict):
        return SecretValue.from_json(value)
    return SecretValue(string=_typed(value, str, "value", "a text or an object"))


def _tags(tags: Any) -> Mapping[str, str]:
    tags = _typed({} if tags is None else tags, dict, "tags", "an object of texts")
    for value in tags.values():
        _typed(value, str, "tags", "an object of texts")
    return dict(tags)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else _typed(value, str, name, "a text")


def _typed(value: Any, kind: type, name: str, expected: str) -> Any:
    return value if isinstance(value, kind) else _refuse(name, expected)


def _refuse(name: str, expected: str) -> NoReturn:
    raise InvalidParameter(f"its field {name} is not {expected}")
