"""The logger. structlog takes longer to import than a command does to start, so it comes late."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self, TextIO

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    threshold: int = _LEVELS["warning"]
    json: bool | None = None  # None: text on a terminal, JSON elsewhere
    stream: TextIO | None = None  # None: the standard error stream as it is when the event comes


_output = _Output()


def configure(*, level: str, json: bool | None = None, stream: TextIO | None = None) -> None:
    """Says what is logged in this process, and where; nothing is imported by it.

    Args:
        level: debug, info, warning or error.
        json: one JSON object a line, or text for people; None: JSON where `stream` is no terminal.
        stream: None is the standard error stream.
    """
    global _output  # noqa: PLW0603  # a process has one log
    _output = _Output(threshold=_LEVELS[level], json=json, stream=stream)


def logger(room: str) -> "Log":
    """The log of one room; `room` stands in each of its events."""
    return Log(fields={"room": room})


@dataclass(frozen=True, slots=True)
class Log:
    """Writes events. An event's name is stable (`rotation.ended`); what varies is in its fields."""

    fields: Mapping[str, Any] = field(default_factory=dict)

    def bind(self, **fields: Any) -> Self:
        """A log whose events all carry `fields`, such as the id of a rotation."""
        return type(self)({**self.fields, **fields})

    @property
    def shows_all(self) -> bool:
        """Whether the events for finding a fault are written too; who has many of them need not put them together."""
        return _output.threshold <= _LEVELS["debug"]

    def debug(self, event: str, **fields: Any) -> None:
        """What only the search for a fault needs."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """What happened, as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What a person may want to look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What a person has to look at."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        output = _output
        if _LEVELS[level] < output.threshold:
            return
        from rotator.telemetry.redaction import redacted

        stream = output.stream or sys.stderr
        json = output.json if output.json is not None else not stream.isatty()
        render = _renderer(json=json, colors=stream.isatty())
        entry = {**redacted({**self.fields, **fields}), "event": event, "level": level}
        stream.write(render(entry) + "\n")
        stream.flush()


@cache
def _renderer(*, json: bool, colors: bool) -> Callable[[dict[str, Any]], str]:
    import structlog

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=colors)
    )
    return lambda entry: str(render(None, entry["level"], stamp(None, entry["level"], entry)))
