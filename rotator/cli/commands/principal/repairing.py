"""`rotate principal review` and `repair`: rows that somebody altered in the store."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, moment, plain, write, write_json
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.repairing import Review, ReviewedRow

_RECORDED = "as recorded"


def review(context: typer.Context, output: Output = OutputFormat.TEXT) -> int:
    """Shows what the rows say, and which of them were altered.

    Each row of a principal, group and access key is held against the audit records of its changes. Exits with 7 where
    somebody altered them, so that nobody is let in by them.
    """
    session: Session = context.obj
    found = session.manager.review_principals(caller=session.caller, request_id=session.request_id)
    code = ExitCode.DONE if found.right else ExitCode.REFUSED
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, **plain(found)})
    else:
        write(*_shown(found))
    return code


def repair(
    context: typer.Context,
    code: Annotated[
        str,
        typer.Option(
            "--code", metavar="CODE", help="From the end of rotate principal review, once read."
        ),
    ],
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="ARN|KEY",
            help="Remove this row first; may be given several times.",
        ),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lets principals in again by the rows as they stand.

    For rows that were altered: look at each with `rotate principal review`, and accept exactly what it showed. Where a
    backup of the store has the right ones, restore that instead. It is on record who accepted what.
    """
    session: Session = context.obj
    done = session.manager.repair_principals(
        caller=session.caller, request_id=session.request_id, code=code, without=without or ()
    )
    if output is OutputFormat.JSON:
        write_json(done)
        return
    write(
        f"{counted(sum(1 for row in done.rows if row.kind), 'row')} of principals, groups and access keys count again. "
        "See what they may: rotate principal list"
    )


def _shown(found: "Review") -> Iterator[str]:
    for row in found.rows:
        yield from _row(row)
    if found.right:
        yield "All of them are as they were written."
        return
    odd = sum(1 for row in found.rows if row.standing != _RECORDED)
    yield (
        f"They are not as they were written, so nobody is let in by them. {counted(odd, 'row')} can't be told from the "
        "audit to be right."
    )
    yield "Best restore them from a backup of the store. Where they are right as shown above, or will be without some:"
    yield f"  rotate principal repair --code {found.code} [--without ARN|KEY]"
    yield "Whether the audit itself was left alone: rotate audit verify"


def _row(row: "ReviewedRow") -> Iterator[str]:
    standing = row.standing if row.standing == _RECORDED else row.standing.upper()
    yield f"{standing}: {f'{row.kind} ' if row.kind else ''}{_within(row.name)}"
    for column, value in row.says.items():
        if column != "policies" and value not in ((), False):
            yield f"    {column}: {_within(_told(value))}"
    policies = row.says.get("policies")
    if isinstance(policies, dict):
        for name, document in policies.items():
            yield f"    policy {_within(name)}: {_within(str(document))}"


def _within(text: str) -> str:
    """A text of a row so that no line of it looks like another row: whoever altered the row may have written it."""
    return "\n        ".join(text.splitlines())


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
