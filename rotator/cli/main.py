"""The console script. Every error ends here."""

import gc
import resource
import sys
from collections.abc import Sequence
from itertools import pairwise

from rotator.cli.exits import INTERRUPTED
from rotator.cli.failures import Problem, problem_of, report, unexpected
from rotator.cli.output import OutputFormat
from rotator.cli.session import Session
from rotator.errors import RotatorError
from rotator.sdk import StepError

_COLLECT_AFTER = 250_000


def main() -> None:
    """The console script."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no values or keys on the disk
    # Start-up makes more than a hundred thousand objects that stay; looking through them again and again for garbage
    # takes a noticeable part of it, and so does the last look, before the process ends.
    gc.set_threshold(_COLLECT_AFTER)
    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code."""
    session = Session()
    output = output_format(arguments)
    try:
        return _dispatch(arguments, session, output=output)
    except (RotatorError, StepError) as error:
        return _failed(problem_of(error), session, output=output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # whoever read it has enough; a flush at exit would complain
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback, no values
        folder, request_id = session.folder_for_details(), session.request_id
        problem = unexpected(error, folder=folder, request_id=request_id)
        return _failed(problem, session, output=output)
    finally:
        session.close()


def output_format(arguments: Sequence[str]) -> OutputFormat:
    """The format that was asked for, also where the rest of the command line is wrong."""
    if "--" in arguments:  # what follows are no options, perhaps a program's
        arguments = arguments[: list(arguments).index("--")]
    joined = {"--output=json", "-ojson"} & set(arguments)
    apart = {("--output", "json"), ("-o", "json")} & set(pairwise(arguments))
    return OutputFormat.JSON if joined or apart else OutputFormat.TEXT


def plain_now(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """The secrets of a plain `now SECRET… [--output json]`; None for every other command line.

    This is what scripts run by the thousand, and parsing it with Typer, which brings a validation
    library along, takes longer than the rotation.
    """
    words = list(arguments)
    if words[-2:] == ["--output", "json"]:
        del words[-2:]
    named = tuple(dict.fromkeys(words[1:]))
    if words[:1] != ["now"] or not named or any(word.startswith("-") for word in named):
        return None
    return named


def _dispatch(arguments: Sequence[str], session: Session, *, output: OutputFormat) -> int:
    secrets = plain_now(arguments)
    if secrets is not None:
        from rotator.cli.performing import rotate

        return rotate(session, secrets, output=output)
    from rotator.cli.app import invoke

    return invoke(arguments, session, output=output)


def _failed(problem: Problem, session: Session, *, output: OutputFormat) -> int:
    report(problem, output=output)
    return session.errors_exit_with or problem.exit_code


if __name__ == "__main__":
    main()
