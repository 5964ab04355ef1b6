"""Keeps secret strings out of messages, whatever a rotator, a driver or a server puts into them."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from rotator.sdk import Misconfigured, SecretValue

_SHORT = 4  # shorter strings occur in ordinary words, so they are looked for between words only
_BLANK = "***"
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
        except Misconfigured:
            return


def _leaves(node: Any) -> Iterator[str]:
    """The strings and numbers in a JSON document, without those that are no secret by their names."""
    match node:
        case dict():
            for name, inner in node.items():
                if name not in _OPEN_FIELDS:
                    yield from _leaves(inner)
        case list():
            for inner in node:
                yield from _leaves(inner)
        case str():
            yield node
        case int() | float() if not isinstance(node, bool) and len(str(node)) >= _SHORT:
            yield str(node)


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
