"""Errors as a person or a script sees them: never a value, and no traceback on the terminal."""

import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from rotator.cli.exits import ExitCode, of_error
from rotator.cli.output import OutputFormat, write, write_json
from rotator.errors import RotatorError
from rotator.sdk import StepError

# The API's own texts, by their beginnings: they say no more than they do on the real service.
_HINTS = {
    "Secrets Manager can't find the specified secret.": "`rotate secret list` shows what there is.",
    "Secrets Manager can't find the specified secret value": "`rotate secret versions SECRET` shows what there is.",
    "The operation failed because the secret": "`rotate secret put` gives it a new value; else name another.",
    "You must provide MoveToVersionId": "name the version with --to, the one that has the label now with --from.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, and what it means to the exit code.

    Attributes:
        error: the error's class.
        code: its name in the AWS API.
    """

    error: str
    code: str | None
    message: str
    hint: str | None
    exit_code: ExitCode


def problem_of(error: Exception) -> Problem:
    """An error that was raised on purpose."""
    return Problem(
        error=type(error).__name__,
        code=error.code if isinstance(error, RotatorError) else None,
        message=error.message if isinstance(error, StepError) else str(error),
        hint=error.hint if isinstance(error, StepError) else _hint(str(error)),
        exit_code=of_error(error),
    )


def _hint(message: str) -> str | None:
    return next((hint for start, hint in _HINTS.items() if message.startswith(start)), None)


def unexpected(error: Exception, *, folder: Path, request_id: str) -> Problem:
    """An error that nobody foresaw: where it happened goes into a file."""
    try:
        written = (
            f"Where it happened is in {_write_details(error, folder, request_id)}, without any value: "
            "please send that file to the maintainers."
        )
    except OSError as unwritten:
        written = f"Where it happened could not be written to a file: {unwritten.strerror}."
    return Problem(
        error=type(error).__name__,
        code=None,
        message=f"Something went wrong that rotator did not foresee ({type(error).__name__}).",
        hint=f"{written} `rotate status` shows whether a rotation was left unfinished, "
        "`rotate resume` goes on with it.",
        exit_code=of_error(error),
    )


def report(problem: Problem, *, output: OutputFormat) -> None:
    """Writes a problem to the standard error stream."""
    if output is OutputFormat.JSON:
        write_json({"error": problem}, stream=sys.stderr)
        return
    write(f"Error: {problem.message}", error=True)
    if problem.hint:
        write(f"What to do: {problem.hint}", error=True)


def _write_details(error: Exception, folder: Path, request_id: str) -> Path:
    # An exception's message may quote a value, and so may a local: types and places are enough.
    lines = [f"request {request_id}\n"]
    chain: BaseException | None = error
    while chain is not None:
        kind = type(chain)
        lines.append(f"{kind.__module__}.{kind.__qualname__}\n")
        lines.extend(traceback.format_tb(chain.__traceback__))
        chain = chain.__cause__ or chain.__context__
    place = (
        folder if folder.is_dir() and os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    )
    path = place / f"error-{request_id}.log"
    # One run may fail at several secrets; the temporary folder is everybody's, so no link is followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return path
