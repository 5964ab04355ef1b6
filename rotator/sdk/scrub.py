"""Keeps secret strings out of messages, whatever a rotator, a driver or a server puts into them."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache, reduce
from itertools import groupby
from typing import Any

from rotator.sdk.errors import Misconfigured
from rotator.sdk.values import SecretValue

_SHORT = 4  # shorter strings occur in ordinary words, so they are looked for between words only
_LINE = (
    16  # characters from which on a line of a longer secret, such as a PEM, is looked for by itself
)
_CORE = 6  # characters of base64 from which on they are no ordinary word
_BLANK = "***"
_BOUNDARY = "-----"  # PEM: what stands between these is not secret
_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\0": "0"}
_MARKS = "'\""
_ESCAPE = r"\\{0,8}+"  # three times over
_DIGIT = "[A-Za-z0-9+/_-]"
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
        "management_port",
        "ssl_ca",
        "starttls",
    }
)


def scrub(message: str, values: Iterable[SecretValue]) -> str:
    """`message` with every secret string of `values` replaced by `***`.

    It is found as it is, and as drivers, servers and libraries write it: escaped as in JSON, in SQL, in a repr, a URL,
    a form or HTML, also several times over; in base64, alone or with other text (`Basic …`); in hexadecimal digits.
    """
    # No way of writing a secret is shorter than the secret, so that most large values cost nothing.
    secrets = {
        secret
        for value in values
        for secret in _secrets(value)
        if secret and len(secret) <= len(message)
    }
    long = sorted((secret for secret in secrets if len(secret) >= _SHORT), key=len, reverse=True)
    short = sorted((secret for secret in secrets if len(secret) < _SHORT), key=len, reverse=True)
    patterns = [pattern for secret in long for pattern in _patterns(secret)]
    # Until nothing changes: the stars and what stands beside them may be another secret.
    before = None
    while before != message:
        before = message
        message = reduce(lambda text, pattern: pattern.sub(_BLANK, text), patterns, message)
    for secret in short:
        message = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _BLANK, message)
    return message


def _secrets(value: SecretValue) -> Iterator[str]:
    if value.binary is not None:
        yield value.binary.decode("latin-1")
        yield value.binary.decode("utf-8", errors="replace")
        yield base64.b64encode(value.binary).decode("ascii")
        yield value.binary.hex()
    if value.string is not None:
        yield from _lines(value.string)
        try:
            for leaf in _leaves(value.fields()):
                yield from _lines(leaf)
        except (
            Misconfigured
        ):  # another parser, or this one with more of its stack left, may read it all the same
            yield from _literals(value.string)


def _lines(text: str) -> Iterator[str]:
    """A text, and the long lines of one that has several: a message may quote a part."""
    yield text
    lines = text.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LINE and not line.startswith(_BOUNDARY))


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


@lru_cache(
    maxsize=64
)  # a rotator may log many lines; this is memory, as the rotation's own values are
def _patterns(secret: str) -> tuple[re.Pattern[str], ...]:
    """What finds a secret of some length, however it is written, in a time that grows with the message alone."""
    return tuple(map(re.compile, _written(secret)))


def _written(secret: str) -> Iterator[str]:
    yield "".join(_run(each, len(list(same))) for each, same in groupby(secret))
    raw = secret.encode(errors="surrogatepass")
    yield f"(?i:{raw.hex()})"
    for core in _cores(raw):
        if len(core) >= _CORE:
            either = re.escape(core).replace(r"\+", "[+-]").replace("/", "[/_]")
            yield f"(?<!{_DIGIT}){_DIGIT}*{either}{_DIGIT}*+(?:=|%3[dD])*+"


def _cores(raw: bytes) -> Iterator[str]:
    """The digits of base64 that depend on `raw` alone, wherever in the encoded text it begins."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw).decode("ascii")
        beginning = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        yield digits[beginning:end]


def _run(character: str, times: int) -> str:
    """A pattern of a character, some times in a row, as it is or escaped, once or several times over.

    Possessive (`{0,8}+`) and bounded, so that no message makes the search slow.
    """
    if character.isascii() and character.isalnum():
        return character * times
    written = "|".join([*_named(character), *_numbered(character)])
    if character == "\\":
        return rf"(?:(?:{_ESCAPE}(?:{written})){{{times}}}|\\{{{times},{times * 8}}}+)"
    either = rf"{_ESCAPE}(?:{written}|{re.escape(character)})"
    # SQL doubles quotation marks.
    return f"(?:{either}){{{times},{times * 2}}}+" if character in _MARKS else either * times


def _named(character: str) -> Iterator[str]:
    if character == " ":
        yield r"\+"
    if character in _NAMED:
        yield _NAMED[character]
    if html.escape(character) != character:
        yield f"&(?:amp;)*{html.escape(character)[1:]}"


def _numbered(character: str) -> Iterator[str]:
    raw = character.encode(errors="surrogatepass")
    code = ord(character)
    yield "".join(f"(?i:%(?:25)*{byte:02x})" for byte in raw)
    yield _ESCAPE.join(f"(?i:x{byte:02x})" for byte in raw)
    yield _ESCAPE.join(f"(?i:u{unit:04x})" for unit in _utf16(character))
    yield f"U(?i:{code:08x})"
    yield f"&(?:amp;)*#(?i:0*{code}|x0*{code:x});"
    if code < 256:
        yield f"(?i:x{code:02x})"


def _utf16(character: str) -> Iterator[int]:
    raw = character.encode("utf-16-be", errors="surrogatepass")
    return (int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))
