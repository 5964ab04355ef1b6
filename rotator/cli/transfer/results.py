"""What an import has done, for people and for scripts."""

from collections.abc import Iterator
from pathlib import Path

from rotator.cli.exits import ExitCode
from rotator.cli.output import OutputFormat, counted, write, write_json
from rotator.cli.transfer.importing import Fate, Tally

_IN_BRIEF = 3  # lines of what will go well that a dry run shows


def show_tally(
    tally: Tally, *, file: Path, written: bool, dry_run: bool, output: OutputFormat
) -> ExitCode:
    """Shows what became of the lines, and gives the exit code.

    Args:
        written: whether the import came to its second pass; else these are the fates that the lines would have.
    """
    code = _exit_code(tally, written=written)
    if output is OutputFormat.JSON:
        counts = {str(fate): tally.counts[fate] for fate in Fate}
        about = {"dry_run": dry_run, "written": written, **counts}
        about |= {"versions_left_out": tally.versions_left_out}
        write_json({**about, "first": tally.first, "exit_code": code})
    else:
        write(*_lines(tally, file=file, written=written, dry_run=dry_run))
    return code


def _exit_code(tally: Tally, *, written: bool) -> ExitCode:
    if not tally.refused:
        return ExitCode.DONE
    return ExitCode.SOME_FAILED if written else ExitCode.USAGE


def _lines(tally: Tally, *, file: Path, written: bool, dry_run: bool) -> Iterator[str]:
    if not tally.counts:
        yield f"{file} holds no secret."
        return
    would = "" if written else "would be "
    for fate in Fate:
        if tally.counts[fate] or (written and fate is not Fate.REFUSED):
            yield f"{would}{fate:<9}{tally.counts[fate]:>9,}"
            if fate is Fate.REFUSED:
                yield from _first(tally, fate, most=len(tally.first[fate]))
            elif not written:
                yield from _first(tally, fate, most=_IN_BRIEF)
    if tally.versions_left_out:
        yield _left_out(tally.versions_left_out)
    if not written:
        yield ""
        yield "Nothing was written." + ("" if tally.refused else " Do it: without --dry-run")
    if tally.refused:
        yield _advice(tally, written=written, dry_run=dry_run)


def _first(tally: Tally, fate: Fate, *, most: int) -> Iterator[str]:
    for line in tally.first[fate][:most]:
        told = [f"line {line.line}", line.name, line.reason]
        yield "  " + ": ".join(part for part in told if part)
    more = tally.counts[fate] - most
    if more > 0:
        yield f"  and {more:,} more"


def _left_out(count: int) -> str:
    return (
        f"{counted(count, 'secret')} of these {'was' if count == 1 else 'were'} there already: only the current value "
        "counts then; the older versions in the file were left out."
    )


def _advice(tally: Tally, *, written: bool, dry_run: bool) -> str:
    if written:
        return "The others are there. Mend these lines and import the file again."
    advice = "Mend these lines"
    if tally.conflicts:
        advice += ", or say what to do where a name is taken: --on-conflict skip or update"
    advice += "."
    return advice if dry_run else f"One line that can't be imported keeps all back. {advice}"
