"""The value of a secret, kept out of every repr, log line and traceback."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any, NoReturn, Self

from rotator.sdk.errors import Misconfigured


class SecretValue:
    """A secret's plaintext: text or bytes, never both. It compares in constant time and hides from printing."""

    __slots__ = ("_binary", "_string")

    def __init__(self, *, string: str | None = None, binary: bytes | None = None) -> None:
        if (string is None) == (binary is None):
            raise ValueError("a secret value is either a string or bytes")
        self._string = string
        self._binary = binary

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The value whose text is `fields` as a JSON object, the form of every database secret."""
        return cls(string=json.dumps(dict(fields), ensure_ascii=False))

    @property
    def string(self) -> str | None:
        """The text, or None for a binary value."""
        return self._string

    @property
    def binary(self) -> bytes | None:
        """The bytes, or None for a text value."""
        return self._binary

    def fields(self) -> dict[str, Any]:
        """The JSON object that the text holds.

        Raises:
            Misconfigured: the value is binary, no JSON, nested too deeply to be read, or JSON of another type. The
                message doesn't quote it.
        """
        try:
            parsed = json.loads(self._string) if self._string is not None else None
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise Misconfigured(
                "the secret's value is not a JSON object",
                hint='store it as {"engine": …, "host": …, "username": …, "password": …}',
            )
        return parsed

    def to_wire(self) -> dict[str, str]:
        """A JSON-ready form, for the pipe between the engine and a rotator's process only."""
        if self._string is not None:
            return {"string": self._string}
        return {"binary": base64.b64encode(self._binary or b"").decode("ascii")}

    @classmethod
    def from_wire(cls, wire: Mapping[str, str]) -> Self:
        """The inverse of `to_wire`.

        Raises:
            ValueError: `wire` is not such a form.
        """
        if "string" in wire:
            return cls(string=wire["string"])
        try:
            return cls(binary=base64.b64decode(wire["binary"], validate=True))
        except (KeyError, binascii.Error):
            raise ValueError("not a secret value's wire form") from None

    def _bytes(self) -> bytes:
        return self._string.encode() if self._string is not None else (self._binary or b"")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        same_type = (self._string is None) == (other._string is None)
        return hmac.compare_digest(self._bytes(), other._bytes()) and same_type

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would leak into sets, caches and reprs

    def __repr__(self) -> str:
        return "SecretValue(<redacted>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret value is not pickled: pass it over a pipe with to_wire()")
