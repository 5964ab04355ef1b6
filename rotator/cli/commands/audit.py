"""`rotate audit …`: who did what, whether the record of it is as it was written, and how old records go."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.moments import parse_ago, parse_moment
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, moment, plain, write, write_json, write_table
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

if TYPE_CHECKING:
    from rotator.manager.audit_results import KeptHead
    from rotator.store.audit_faults import Verification
    from rotator.store.audit_search import AuditFilter, AuditRecord

app = typer.Typer(help="Shows and verifies the audit.", no_args_is_help=True)

_Secret = Annotated[
    str | None, typer.Option("--secret", help="Those of this secret: its name or ARN.")
]
_Principal = Annotated[
    str | None, typer.Option("--principal", help="Those of this caller, such as local:alice.")
]
_Event = Annotated[str | None, typer.Option("--event", help="Those of this operation or event.")]
_Outcome = Annotated[str | None, typer.Option("--outcome", help="succeeded, denied or failed.")]
_Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From a date or time on, or 12h, 30d ago."),
]
_Until = Annotated[
    str | None,
    typer.Option("--until", metavar="WHEN", help="Before a date or time, or 12h, 30d ago."),
]


@app.command()
def show(
    context: typer.Context,
    secret: _Secret = None,
    principal: _Principal = None,
    event: _Event = None,
    outcome: _Outcome = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Records a page.")] = 50,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Goes on where the page before ended.")
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Shows audit records, newest first."""
    session: Session = context.obj
    page = session.auditing.show(
        caller=session.caller,
        request_id=session.request_id,
        where=_filter(secret, principal, event, outcome, since, until),
        cursor=cursor,
        limit=limit,
    )
    if output is OutputFormat.JSON:
        write_json(
            {"records": [_fields(each) for each in page.records], "next_cursor": page.next_cursor}
        )
        return
    if not page.records:
        write("No record fits.")
        return
    write_table(
        ("TIME", "PRINCIPAL", "EVENT", "OUTCOME", "SECRET", "VERSION", "REQUEST"),
        [_cells(each) for each in page.records],
    )
    if page.next_cursor is not None:
        write(f"There are more. Go on with: --cursor {page.next_cursor}", error=True)


@app.command()
def export(
    context: typer.Context,
    secret: _Secret = None,
    principal: _Principal = None,
    event: _Event = None,
    outcome: _Outcome = None,
    since: _Since = None,
    until: _Until = None,
) -> None:
    """Writes audit records as JSON lines, oldest first.

    Each comes with its place and its code in the chains.
    """
    session: Session = context.obj
    records = session.auditing.export(
        caller=session.caller,
        request_id=session.request_id,
        where=_filter(secret, principal, event, outcome, since, until),
    )
    for record in records:
        sys.stdout.write(json.dumps(_fields(record), ensure_ascii=False) + "\n")
    sys.stdout.flush()


@app.command()
def heads(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Prints the signed heads of all chains. Kept elsewhere, they show later that nothing was cut off."""
    session: Session = context.obj
    found = session.auditing.heads(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json(found)
        return
    write_table(
        ("CHAIN", "RECORDS", "CODE OF THE LAST ONE"),
        [
            ("checkpoints" if head.shard < 0 else f"shard {head.shard}", f"{head.seq:,}", head.mac)
            for head in found.heads
            if head.seq
        ],
    )
    write(
        "To keep: rotate audit heads --output json > heads.json; "
        "later: rotate audit verify --against heads.json"
    )


@app.command()
def verify(
    context: typer.Context,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Heads that were kept elsewhere."),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Finds what was altered in the audit, or in secrets.

    Walks over every record, and tells what was altered, removed, reordered, inserted or cut off. Exits with 7 where
    something was.
    """
    from rotator.cli.transfer.progress import showing

    session: Session = context.obj
    kept = () if against is None else _kept(against)
    walked = 0
    with showing("verified", output=output) as shown:

        def progress(count: int) -> None:
            nonlocal walked
            walked += count
            shown(walked)

        found = session.auditing.verify(
            caller=session.caller, request_id=session.request_id, kept=kept, progress=progress
        )
    code = ExitCode.REFUSED if found.faults else ExitCode.DONE
    if output is OutputFormat.JSON:
        write_json({"exit_code": code, **plain(found)})
    else:
        write(*_verdict(found))
    return code


@app.command()
def checkpoint(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Signs the heads of all chains as they are now."""
    session: Session = context.obj
    number = session.auditing.checkpoint(caller=session.caller, request_id=session.request_id)
    if output is OutputFormat.JSON:
        write_json({"checkpoint": number})
    else:
        write(f"Checkpoint {number} was written.")


@app.command()
def prune(
    context: typer.Context,
    before: Annotated[
        str | None, typer.Option("--before", metavar="WHEN", help="Records older than this go.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="SPAN", help="Younger ones stay: 90d, 52w.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many would go, and remove none.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Removes old audit records. What stays can still be verified; what goes is verified before.

    On a terminal it asks first. Where there is nobody to ask, it needs --yes.
    """
    from rotator.cli.transfer.progress import showing

    session: Session = context.obj
    older_than = _pruned_before(before, keep)
    if not (dry_run or yes):
        _require_terminal()
    if dry_run or not yes:
        old = session.auditing.count_prunable(
            caller=session.caller, request_id=session.request_id, before=older_than
        )
        if dry_run:
            _tell_prunable(old, output=output)
            return
        _ask_to_prune(old, before=older_than)
    removed = 0
    with showing("pruned", output=output) as shown:

        def progress(count: int) -> None:
            nonlocal removed
            removed += count
            shown(removed)

        total = session.auditing.prune(
            caller=session.caller,
            request_id=session.request_id,
            before=older_than,
            progress=progress,
        )
    if output is OutputFormat.JSON:
        write_json({"removed": total})
    else:
        write(_removal(total, one="was removed", more="were removed"))


def _pruned_before(before: str | None, keep: str | None) -> datetime:
    option, given = ("--before", before) if before is not None else ("--keep", keep)
    if given is None or (before is not None and keep is not None):
        raise ConfigurationError("Say what to remove: either --before 2026-01-01 or --keep 90d.")
    now = datetime.now(UTC)
    read = parse_moment if before is not None else parse_ago
    older_than = read(given, option=option, now=now)
    if older_than > now:
        raise ConfigurationError(
            f"{option} {given} is in the future: every record would go. Nothing was removed. Name a moment in the "
            "past, or keep what is younger than a span: --keep 90d"
        )
    return older_than


def _tell_prunable(count: int, *, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json({"dry_run": True, "would_remove": count})
    else:
        write(_removal(count, one="would be removed", more="would be removed"))


def _removal(count: int, *, one: str, more: str) -> str:
    if not count:
        return "No record is that old."
    return f"{counted(count, 'record')} {one if count == 1 else more}."


def _require_terminal() -> None:
    from rotator.cli.asking import can_ask

    if not can_ask():
        raise ConfigurationError(
            "Audit records that are pruned are gone for good, and there is no terminal to ask on. If that is meant, "
            "add --yes. How many would go: --dry-run"
        )


def _ask_to_prune(count: int, *, before: datetime) -> None:
    from rotator.cli.asking import confirm

    if count:
        confirm(f"Remove {counted(count, 'audit record')} from before {moment(before)} for good?")


def _filter(
    secret: str | None,
    principal: str | None,
    event: str | None,
    outcome: str | None,
    since: str | None,
    until: str | None,
) -> "AuditFilter":
    from rotator.store.audit import Outcome
    from rotator.store.audit_search import AuditFilter

    if outcome is not None and outcome not in set(Outcome):
        raise ConfigurationError(f"--outcome is one of {', '.join(Outcome)}.")
    now = datetime.now(UTC)
    return AuditFilter(
        secret=secret,
        principal=principal,
        event=event,
        outcome=outcome,
        since=None if since is None else parse_moment(since, option="--since", now=now),
        until=None if until is None else parse_moment(until, option="--until", now=now),
    )


def _fields(record: "AuditRecord") -> dict[str, Any]:
    """Every column; the code in hexadecimal, the time to the microsecond that it is kept with."""
    from dataclasses import asdict

    return {
        **asdict(record),
        "at": record.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "mac": None if record.mac is None else record.mac.hex(),
    }


def _cells(record: "AuditRecord") -> tuple[str, ...]:
    named = (record.secret_arn or "-").rpartition(":secret:")[2]
    return (
        moment(record.at),
        record.principal,
        record.event,
        record.outcome,
        named,
        record.version_id or "-",
        record.request_id,
    )


def _kept(path: Path) -> "tuple[KeptHead, ...]":
    from rotator.manager.audit_results import KeptHead

    try:
        content = json.loads(path.read_text("utf-8"))
        return tuple(KeptHead(**head) for head in content["heads"])
    except OSError as error:
        raise ConfigurationError(
            f"The heads in {path} can't be read: {error.strerror}. Correct the path."
        ) from None
    except (ValueError, TypeError, KeyError):
        raise ConfigurationError(
            f"{path} is not what `rotate audit heads --output json` writes. Name the file that it wrote."
        ) from None


def _verdict(found: "Verification") -> Iterator[str]:
    for fault in found.faults:
        at = "" if fault.seq is None else f", record {fault.seq}"
        yield f"{fault.wrong.upper()}  {fault.chain}{at}: {fault.meaning}."
    if found.faults:
        yield (
            "The audit is not as it was written. Somebody changed the store without the audit key, or the store is "
            "damaged. Keep a copy of it as it is, then restore it from a backup that verifies."
        )
        return
    unchained = (
        f" ({found.unchained:,} of an earlier release, in no chain but counted and signed)"
        if found.unchained
        else ""
    )
    checkpoints = counted(found.checkpoints, "checkpoint")
    secrets = "secret is as its" if found.secrets == 1 else "secrets are as their"
    yield (
        f"{counted(found.records, 'record')}{unchained} and {checkpoints} are as they were written; "
        f"{found.secrets:,} {secrets} last recorded changes left {'it' if found.secrets == 1 else 'them'}."
    )
