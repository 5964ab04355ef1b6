"""How results reach a person or a script: text and tables, or JSON."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from pathlib import PurePath
from textwrap import indent
from typing import Any, TextIO

_BREAK = re.compile(r"[\n\t]+")
_GAP = 3  # characters between two columns of a ruled table


class OutputFormat(StrEnum):
    """Whom a result is written for."""

    TEXT = "text"
    JSON = "json"


def write_json(result: Any, *, stream: TextIO | None = None) -> None:
    """One JSON document; times are ISO 8601 in UTC."""
    _put(_json(result), stream=stream or sys.stdout)


def write_json_items(key: str, items: Iterable[Any]) -> None:
    """One JSON document with a list under a key, written as its items come: there may be more than memory holds."""
    stream = sys.stdout
    opening = f"{{\n  {json.dumps(key)}: ["
    between = f"{opening}\n"  # with the first item: an error before it leaves nothing of a document
    for item in items:
        stream.write(between + indent(_json(item), "    "))
        between = ",\n"
    _put("\n  ]\n}" if between == ",\n" else f"{opening}]\n}}", stream=stream)


def write(*lines: str, error: bool = False) -> None:
    """Lines of text, safe to show on a terminal."""
    for line in lines:
        _put(clean(line), stream=sys.stderr if error else sys.stdout)


def write_result(result: Any, *lines: str, output: OutputFormat) -> None:
    """What a command did: the result itself for a script, lines for a person."""
    if output is OutputFormat.JSON:
        write_json(result)
    else:
        write(*lines)


def write_text(text: str) -> None:
    """A paragraph: on a terminal its lines end between words."""
    if not sys.stdout.isatty():
        write(text)
        return
    from shutil import get_terminal_size
    from textwrap import wrap

    width = get_terminal_size().columns
    write(*wrap(clean(text), width, break_long_words=False, break_on_hyphens=False))


def write_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, continued: bool = False
) -> None:
    """A table: ruled on a terminal, aligned columns elsewhere.

    Args:
        continued: the rows go on a table whose headers were written already.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _ruled(headers, cells, show_headers=not continued)
        return
    cells = [[_BREAK.sub(" ", cell) for cell in row] for row in cells]  # a line is a row
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in cells if continued else (headers, *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _put("  ".join(padded).rstrip(), stream=sys.stdout)


def plain(value: Any) -> Any:
    """A JSON-ready form.

    Raises:
        TypeError: a type that isn't known to be fit for output, a secret value above all.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date | PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    raise TypeError(f"{type(value).__name__} is not for output")


def clean(text: str) -> str:
    """`text` without control characters: a name or a server's message must not drive the terminal."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def _json(value: Any) -> str:
    """A JSON document in which the characters that `clean` replaces are escaped; it means the same."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def moment(at: datetime | None) -> str:
    """A time for people, in their own zone; `-` for none."""
    return "-" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


NO_WINDOW = "none: its years are over, or blackouts close every window"
"""Said of a schedule that has no due time."""


def counted(number: int, thing: str) -> str:
    """`1 version`, `2 versions`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def duration(seconds: float) -> str:
    """A time span for people."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _ruled(headers: Sequence[str], rows: Sequence[Sequence[str]], *, show_headers: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rotator.cli.columns import column_widths  # only people need it

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=show_headers)
    console = Console()
    room = console.width - _GAP * (len(headers) - 1)
    columns = list(zip(headers, *rows, strict=True))
    for header, width in zip(headers, column_widths(columns, room=room), strict=True):
        table.add_column(header, overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _put(line: str, *, stream: TextIO) -> None:
    stream.write(f"{line}\n")
    stream.flush()
