"""Secrets out of `.env` files, and into them: NAME=value lines with quotes, comments and `export`, as python-dotenv
reads them.

Nothing is expanded: `${HOME}` stays what it is.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dotenv.parser import Binding, parse_stream

from rotator.errors import InvalidParameter
from rotator.manager.portable import PortableSecret

# What a program can find in its environment. What looks otherwise is likely a stray line of a value.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A line of the file."""

    line: int
    name: str
    value: str = field(repr=False)


class Unreadable(InvalidParameter):
    """A line can't be read, so that nobody knows what the lines after it are."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def variables(content: bytes) -> Iterator[Variable]:
    """The variables in their order.

    Raises:
        Unreadable: a line is malformed. Nothing of it is quoted, since it may be a part of a value.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(line, "it is not UTF-8 text") from None
    for binding in parse_stream(io.StringIO(text, newline="")):
        line = _line(binding)
        if binding.error:
            raise Unreadable(
                line,
                "it is not NAME=value, or a quote is not closed; the lines after it were not read",
            )
        if binding.key is None:
            continue  # a comment
        if binding.value is None or not _NAME.fullmatch(binding.key):
            raise Unreadable(
                line,
                "it is not NAME=value; put a value of several lines in quotes. The lines after it were not read",
            )
        yield Variable(line=line, name=binding.key, value=binding.value)


def line_of(secret: PortableSecret, *, prefix: str) -> bytes:
    """A secret's current value as a line of the file, in single quotes: in them nothing is expanded by anyone.

    Args:
        prefix: what goes off the beginning of the name.

    Raises:
        InvalidParameter: no line can hold it.
    """
    name = secret.name.removeprefix(prefix)
    if not _NAME.fullmatch(name):
        raise InvalidParameter(
            f"{name} can't be the name of a variable; --prefix takes off what its name begins with"
        )
    if secret.current is None:
        raise InvalidParameter("it has no value")
    if secret.current.string is None:
        raise InvalidParameter("its value is bytes, and a variable is text")
    quoted = secret.current.string.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'\n".encode()


def _line(binding: Binding) -> int:
    # The parser counts from the empty lines before it.
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", before))
