"""The new value of a secret: the current JSON with a new password, made as the rotation's settings ask."""

from collections.abc import Collection, Mapping
from typing import Any

from rotator.sdk import Misconfigured, PasswordPolicy, SecretValue

_SETTINGS: Mapping[str, tuple[str, type]] = {
    "length": ("length", int),
    "exclude_characters": ("exclude", str),
    "punctuation": ("punctuation", bool),
}
_TYPE_NAMES = {int: "a number", str: "text", bool: "true or false"}


def password_policy(settings: Mapping[str, Any], *, others: Collection[str] = ()) -> PasswordPolicy:
    """What `settings` ask of a new password.

    Args:
        settings: the rotation's.
        others: names of settings that the rotator has besides those of the password.

    Raises:
        Misconfigured: a setting is unknown or has a wrong type; the message names it.
    """
    unknown = sorted(settings.keys() - _SETTINGS.keys() - set(others))
    if unknown:
        raise Misconfigured(
            f"this rotator knows no setting {', '.join(unknown)}",
            hint=f"it takes: {', '.join((*_SETTINGS, *others))}",
        )
    arguments: dict[str, Any] = {}
    for name, setting in settings.items():
        if name in others:
            continue
        argument, kind = _SETTINGS[name]
        if type(setting) is not kind:  # an exact match, because True is an int as well
            raise Misconfigured(f"the setting {name} is not {_TYPE_NAMES[kind]}")
        arguments[argument] = setting
    return PasswordPolicy(**arguments)


def new_value(current: SecretValue, *, username: str, password: str) -> SecretValue:
    """`current` for `username` with a new password; every other field, also those unknown here, stays as it is.

    Raises:
        Misconfigured: the value is no JSON object.
    """
    return SecretValue.from_json(current.fields() | {"username": username, "password": password})
