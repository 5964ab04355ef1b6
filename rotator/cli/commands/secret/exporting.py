"""`rotate secret export`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.export_file import new_export, refuse_existing
from rotator.cli.options import Output, PassphraseFile, Prefix, SecretIds, Tags
from rotator.cli.output import OutputFormat, counted, write, write_json
from rotator.cli.session import Session
from rotator.cli.transfer.choices import Form
from rotator.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from rotator.cli.transfer.exporting import Export, Exported
    from rotator.model.filters import SecretFilter

_SHOWN = 20  # names of a dry run


def export_secrets(
    context: typer.Context,
    secrets: SecretIds = None,
    tags: Tags = None,
    prefix: Prefix = None,
    file: Annotated[
        Path | None,
        typer.Option("--output-file", metavar="FILE", help="A new file, else standard output."),
    ] = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Every version with its labels, not AWSCURRENT alone."),
    ] = False,
    plaintext: Annotated[
        bool, typer.Option("--plaintext", help="Not sealed: whoever has the file has the secrets.")
    ] = False,
    form: Annotated[
        Form, typer.Option("--format", help="How it is written; a .env file is --plaintext.")
    ] = Form.JSONL,
    passphrase_file: PassphraseFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be exported, and read no value.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Writes secrets into a file that a passphrase seals.

    All of them where none is named. The file holds names, values, descriptions, tags and keys' names; what binds a
    secret to this store (ARN, dates, rotation, policy) is left out. `rotate secret import` reads it. Each value that is
    read leaves an audit record, but doesn't count as access.

    Example: rotate secret export --prefix app/ --output-file app.sealed
    """
    from rotator.cli.transfer import env_file, json_lines
    from rotator.cli.transfer.exporting import Export

    session: Session = context.obj
    names, where = tuple(dict.fromkeys(secrets or ())), _filter(secrets, tags, prefix)
    if dry_run:
        return _tell_wanted(_wanted(session, names, where), output=output)
    if form is Form.ENV and (all_versions or not plaintext):
        raise ConfigurationError(
            "A .env file holds current values, in the clear: add --plaintext, and leave --all-versions out. Sealed, or "
            "with all versions, secrets are exported as JSON lines."
        )
    _check_usage(file, plaintext=plaintext, passphrase_file=passphrase_file, output=output)
    export = Export(
        manager=session.manager,
        caller=session.caller,
        request_id=session.request_id,
        names=names,
        where=where,
        all_versions=all_versions,
        line=partial(env_file.line_of, prefix=prefix or "")
        if form is Form.ENV
        else json_lines.encode,
    )
    passphrase = None if plaintext else _passphrase(passphrase_file)
    with _sink(file) as sink:
        exported = _write(export, sink, passphrase=passphrase, output=output)
    return _tell(exported, file=file, plaintext=plaintext, output=output)


def _check_usage(
    file: Path | None, *, plaintext: bool, passphrase_file: Path | None, output: OutputFormat
) -> None:
    if file is None and output is OutputFormat.JSON:
        raise ConfigurationError(
            "--output json tells what was exported, so the export itself needs a file: --output-file FILE"
        )
    if file is not None:
        refuse_existing(file)
    if file is None and not plaintext and sys.stdout.isatty():
        raise ConfigurationError(
            "A sealed export is not for a terminal. Name a file (--output-file FILE), or send it somewhere (| or >)."
        )
    if plaintext and passphrase_file is not None:
        raise ConfigurationError("An export is sealed or --plaintext, not both.")


def _filter(names: list[str] | None, tags: list[str] | None, prefix: str | None) -> "SecretFilter":
    from rotator.cli.selection import parse_pair
    from rotator.model.filters import SecretFilter

    if names and (tags or prefix is not None):
        raise ConfigurationError(
            "Name the secrets, or choose them by --tag and --prefix, not both."
        )
    return SecretFilter(
        name_prefix=prefix, tags=dict(parse_pair(tag, option="--tag") for tag in tags or ())
    )


def _wanted(session: Session, names: tuple[str, ...], where: "SecretFilter") -> Iterator[str]:
    """The names of the secrets that an export would hold."""
    from rotator.cli.selection import all_secrets

    if not names:
        yield from (secret.name for secret in all_secrets(session, where))
    for name in names:
        described = session.manager.describe_secret(
            caller=session.caller, request_id=session.request_id, secret_id=name
        )
        if described.deleted_at is not None:
            raise InvalidRequest(
                f"{name} is marked for deletion, so it can't be exported. Take that back first: rotate secret restore "
                f"{name}"
            )
        yield described.name


def _tell_wanted(names: Iterator[str], *, output: OutputFormat) -> ExitCode:
    wanted = tuple(names)
    if output is OutputFormat.JSON:
        write_json({"dry_run": True, "secrets": len(wanted), "names": wanted})
    elif wanted:
        write(f"Would be exported: {counted(len(wanted), 'secret')}.")
        write(*(f"  {name}" for name in wanted[:_SHOWN]))
        if len(wanted) > _SHOWN:
            write(f"  and {len(wanted) - _SHOWN:,} more; all of them: --output json")
        write("No value was read. Do it: without --dry-run")
    else:
        write("Nothing would be exported: no secret fits. What there is: rotate secret list")
    return ExitCode.DONE


def _passphrase(file: Path | None) -> str:
    from rotator.cli.passphrases import read_passphrase

    return read_passphrase(file, confirm=True)


@contextmanager
def _sink(file: Path | None) -> Iterator[BinaryIO]:
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with new_export(file) as sink:
        yield sink


def _write(
    export: "Export", sink: BinaryIO, *, passphrase: str | None, output: OutputFormat
) -> "Exported":
    from rotator.cli.transfer.progress import showing
    from rotator.cli.transfer.source import CONTENT
    from rotator.crypto.passphrase import sealing

    with showing("exporting", output=output) as show:
        if passphrase is None:
            return export.write(sink, lambda so_far: show(so_far.secrets))
        sealer = sealing(sink, passphrase=passphrase, content=CONTENT)
        exported = export.write(sealer, lambda so_far: show(so_far.secrets))
        sealer.finish()
    return exported


def _tell(
    exported: "Exported", *, file: Path | None, plaintext: bool, output: OutputFormat
) -> ExitCode:
    code = ExitCode.SOME_FAILED if exported.unreadable else ExitCode.DONE
    if output is OutputFormat.JSON:
        write_json(
            {
                "file": file,
                "sealed": not plaintext,
                "secrets": exported.secrets,
                "versions": exported.versions,
                "unreadable": exported.unreadable,
                "exit_code": code,
            }
        )
        return code
    write(*_lines(exported, file=file, plaintext=plaintext), error=file is None)
    return code


def _lines(exported: "Exported", *, file: Path | None, plaintext: bool) -> Iterator[str]:
    how = "in the clear" if plaintext else "sealed"
    where = "" if file is None else f" to {file}"
    if exported.secrets:
        secrets = counted(exported.secrets, "secret")
        yield f"Exported {secrets}, {counted(exported.versions, 'version')}{where}, {how}."
    elif exported.unreadable:
        yield f"Nothing was exported{where}."
    else:
        yield f"Nothing was exported{where}: no secret fits. What there is: rotate secret list"
    if plaintext and exported.secrets:
        yield "Whoever can read this has the secrets. Remove it as soon as it has served (shred -u)."
    elif file is not None and exported.secrets:
        yield f"It opens with its passphrase alone: rotate secret import {file}"
    if exported.unreadable:
        yield f"{len(exported.unreadable):,} could not be exported and were left out:"
        yield from (f"  {secret.name}: {secret.reason}" for secret in exported.unreadable)
