"""Keeps secret strings out of messages, whatever a rotator, a driver or a server puts into them."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

from rotator.sdk.errors import Misconfigured
from rotator.sdk.values import SecretValue

_SHORT = 4  # shorter strings occur in ordinary words, so they are looked for between words only
_BLANK = "***"
# A JSON string; one with a colon behind it is a field's name.
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*:)?', re.DOTALL)
_OPEN_FIELDS = frozenset(
    {
        "engine",
        "host",
        "port",
        "username",
        "dbname",
        "masterarn",
        "ssl",
        "sslmode",
        "dbInstanceIdentifier",
    }
)


def scrub(message: str, values: Iterable[SecretValue]) -> str:
    """`message` with every secret string of `values` replaced by `***`, as it is or as drivers and servers quote it."""
    written = {
        form for value in values for secret in _secrets(value) for form in _forms(secret) if form
    }
    long = sorted((form for form in written if len(form) >= _SHORT), key=len, reverse=True)
    short = sorted((form for form in written if len(form) < _SHORT), key=len, reverse=True)
    # Until nothing changes: the stars and what stands beside them may be another secret.
    before = None
    while before != message:
        before = message
        for form in long:
            message = message.replace(form, _BLANK)
    for form in short:
        message = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", _BLANK, message)
    return message


def _secrets(value: SecretValue) -> Iterator[str]:
    if value.binary is not None:
        yield value.binary.decode("latin-1")
        yield value.binary.decode("utf-8", errors="replace")
        yield base64.b64encode(value.binary).decode("ascii")
        yield value.binary.hex()
    if value.string is not None:
        yield value.string
        try:
            yield from _leaves(value.fields())
        except (
            Misconfigured
        ):  # another parser, or this one with more of its stack left, may read it all the same
            yield from _literals(value.string)


def _leaves(document: Any) -> Iterator[str]:
    """The strings and numbers in a JSON document, without those that are no secret by their names."""
    left = [document]  # no recursion: a value may be nested as deeply as its parser allows
    while left:
        match left.pop():
            case dict() as fields:
                left.extend(inner for name, inner in fields.items() if name not in _OPEN_FIELDS)
            case list() as items:
                left.extend(items)
            case str() as text:
                yield text
            case int() | float() as number if not isinstance(number, bool):
                written = json.dumps(number)
                if len(written) >= _SHORT:
                    yield written


def _literals(text: str) -> Iterator[str]:
    """What stands between quotation marks, as it is written and, where that differs, as it reads."""
    for written, colon in _LITERAL.findall(text):
        if not colon:
            yield written
            with suppress(ValueError):
                yield json.loads(f'"{written}"')


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a message: plain, in JSON, in a repr, in a URL, in SQL and in a connection string."""
    yield secret
    for in_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=in_ascii)[1:-1]
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode(errors="replace"))[2:-1]
    for safe in ("", "/"):
        yield quote(secret, safe=safe, errors="replace")
        yield quote_plus(secret, safe=safe, errors="replace")
    escaped = secret.replace("\\", "\\\\")
    yield escaped
    for mark in ("'", '"'):
        yield secret.replace(mark, mark * 2)
        yield escaped.replace(mark, f"\\{mark}")
