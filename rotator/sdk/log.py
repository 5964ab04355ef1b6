"""What a rotator tells the log: nothing of the values that it was given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from rotator.sdk.scrub import scrub
from rotator.sdk.values import SecretValue
from rotator.telemetry import logger

_Plain = str | int | float | bool | None
LogLevel = Literal["debug", "info", "warning", "error"]
LONGEST_LINE = 2000
"""Characters of a message or a field; the rest is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line: text, and fields that hold text, numbers and truth values only."""

    level: LogLevel
    message: str
    fields: dict[str, _Plain]


def write(line: LogLine) -> None:
    """Writes a line to the log of this process."""
    # The line's own words are a field: the names of events are the house's.
    getattr(logger("rotator"), line.level)("rotator.said", message=line.message, fields=line.fields)


@dataclass(frozen=True, slots=True)
class RotationLog:
    """A log whose lines have no secret of `values` in them, however it is quoted or encoded.

    Args:
        values: what must not be told.
        about: fields that each line carries.
        sink: takes the lines.
    """

    values: tuple[SecretValue, ...]
    about: dict[str, str]
    sink: Callable[[LogLine], None]

    def debug(self, message: str, /, **fields: Any) -> None:
        """What only the search for a fault needs."""
        self._tell("debug", message, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        """What happened, as it should."""
        self._tell("info", message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        """What a person may want to look at."""
        self._tell("warning", message, fields)

    def error(self, message: str, /, **fields: Any) -> None:
        """What a person has to look at."""
        self._tell("error", message, fields)

    def repeat(self, line: LogLine) -> None:
        """A line that was told to another log."""
        self._tell(line.level, line.message, line.fields)

    def _tell(self, level: LogLevel, message: str, fields: dict[str, Any]) -> None:
        told = dict[str, _Plain](self.about)
        told.update(
            (scrub(name, self.values), _clean(value, self.values)) for name, value in fields.items()
        )
        text = clip(scrub(str(message), self.values))
        self.sink(LogLine(level=level, message=text, fields=told))


class HeldLog:
    """A sink that keeps lines until it is known which value must not be in them.

    Args:
        sink: takes them in the end.
    """

    def __init__(self, sink: Callable[[LogLine], None]) -> None:
        self._sink = sink
        self._held: list[LogLine] = []

    def __call__(self, line: LogLine) -> None:
        """Keeps a line."""
        self._held.append(line)

    def release(self, value: SecretValue) -> None:
        """Passes the lines on, without `value`."""
        log = RotationLog(values=(value,), about={}, sink=self._sink)
        for line in self._held:
            log.repeat(line)

    def drop(self, why: str) -> None:
        """Passes on how many lines there were in place of what they say."""
        if self._held:
            message = f"{len(self._held)} lines of the rotator are left out: {why}"
            self._sink(LogLine(level="warning", message=message, fields={}))


def clip(text: str) -> str:
    """`text`, at most as long as a line may be."""
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} …"


def _clean(value: Any, values: Iterable[SecretValue]) -> _Plain:
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    clean = scrub(text, values)
    return value if clean == text and isinstance(value, int | float) else clip(clean)
