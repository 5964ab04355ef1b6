"""What may stand in a log line. Everything else is named by its type and never shown."""

import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import Any

REDACTED = "<redacted>"
_SECRET_WORDS = frozenset(
    {
        "auth",
        "authorization",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "plaintext",
        "pwd",
        "token",
        "value",
        "values",
        "verifier",
    }
)
_SECRET_KEYS = frozenset(
    {"api_key", "data_key", "private_key", "secret", "secret_binary", "secret_key", "secret_string"}
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_URL_PASSWORD = re.compile(r"(?P<user>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/]*(?=@)", re.IGNORECASE)


def redacted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` without secrets: by their names, by their types, and passwords in URLs."""
    return {str(key): _value(str(key), value) for key, value in fields.items()}


def _value(key: str, value: Any) -> Any:
    if _names_secret(key):
        return REDACTED
    return _plain(value)


def _plain(value: Any) -> Any:
    # A type that isn't known to be harmless is not shown: its repr could be anything, now or later.
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\g<user>{REDACTED}", value)
    if isinstance(value, date | PurePath):
        return _plain(str(value))
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _names_secret(key: str) -> bool:
    words = _CAMEL.sub("_", key).lower().replace("-", "_")
    return words in _SECRET_KEYS or not _SECRET_WORDS.isdisjoint(words.split("_"))
