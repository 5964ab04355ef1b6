"""`rotate secret import`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output, PassphraseFile, SealingKey
from rotator.cli.output import OutputFormat, write
from rotator.cli.session import Session
from rotator.cli.transfer.choices import Form, OnConflict
from rotator.errors import ConfigurationError, DecryptionFailure

if TYPE_CHECKING:
    from rotator.cli.transfer.entries import Entry, Layout
    from rotator.cli.transfer.importing import Import
    from rotator.cli.transfer.source import Source


def import_secrets(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    form: Annotated[
        Form | None,
        typer.Option("--format", help="How it is written; else its name tells: .env, or jsonl."),
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", help="For .env: goes before each name, such as app/.")
    ] = "",
    as_one: Annotated[
        str | None,
        typer.Option(
            "--as-one", metavar="NAME", help="For .env: one secret, a JSON object of all."
        ),
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option("--on-conflict", help="Where another secret has the name already."),
    ] = OnConflict.FAIL,
    key: SealingKey = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Makes many secrets at once, out of JSON lines or a .env file.

    First every line is checked, and where one can't be imported nothing is written. Then secrets are made in batches; a
    run that was stopped goes on when it is repeated, since what is there already, the same, counts as done. A sealed
    export asks for its passphrase.

    A line is {"name": …, "value": …}, or "binary" with base64; it may have "description", "tags", "kms_key_id" and
    "version_id". A value may also be a JSON object. "versions" in place of a value lists several with their "labels".
    --key puts all of them under one sealing key, whatever their lines say.

    Example: rotate secret import secrets.jsonl --dry-run
    """
    from rotator.cli.transfer.entries import entries, form_of
    from rotator.cli.transfer.importing import Import
    from rotator.cli.transfer.source import opened
    from rotator.cli.values import STANDARD_INPUT

    if file == STANDARD_INPUT == passphrase_file:
        raise ConfigurationError(
            "The file and its passphrase can't both come from standard input. Name a file for one of them: "
            "--passphrase-file FILE"
        )
    session: Session = context.obj
    layout = _layout(form or form_of(file), prefix=prefix, as_one=as_one)
    manager = session.manager  # opened first: a closed store is told before anything is asked
    with opened(file) as source:
        readable = _unsealed(source, passphrase_file)

        def lines() -> "Iterator[Entry]":
            try:
                yield from (_under(key, entry) for entry in entries(readable, layout))
            except DecryptionFailure:
                raise DecryptionFailure(
                    f"{file} can't be opened: the passphrase is not the one that it was sealed under, or the file was "
                    "altered or cut off."
                ) from None

        wanted = Import(
            manager=manager,
            caller=session.caller,
            request_id=session.request_id,
            lines=lines,
            on_conflict=on_conflict,
        )
        return _run(wanted, file=file, dry_run=dry_run, output=output)


def _under(key: str | None, entry: "Entry") -> "Entry":
    """The entry with the sealing key that was named, whatever its line says."""
    if key is None or entry.secret is None:
        return entry
    return replace(entry, secret=replace(entry.secret, kms_key_id=key))


def _layout(form: Form, *, prefix: str, as_one: str | None) -> "Layout":
    from rotator.cli.transfer.entries import Layout

    if form is Form.JSONL and (prefix or as_one is not None):
        raise ConfigurationError(
            "--prefix and --as-one are for .env files; lines of JSON have names of their own. "
            "If it is a .env file, say so: --format env"
        )
    if prefix and as_one is not None:
        raise ConfigurationError("Give --prefix or --as-one, not both.")
    return Layout(form=form, prefix=prefix, as_one=as_one)


def _unsealed(source: "Source", passphrase_file: Path | None) -> "Source":
    from rotator.cli.passphrases import read_passphrase
    from rotator.cli.transfer.source import is_sealed, unlocked

    if not is_sealed(source):
        return source
    return unlocked(source, passphrase=read_passphrase(passphrase_file, confirm=False))


def _run(wanted: "Import", *, file: Path, dry_run: bool, output: OutputFormat) -> int:
    from rotator.cli.transfer.importing import Tally
    from rotator.cli.transfer.progress import showing
    from rotator.cli.transfer.results import show_tally

    with showing("checking", output=output) as show:
        tally = wanted.check(lambda so_far: show(so_far.counts.total()))
    written = not (dry_run or tally.refused)
    if written:
        total = tally.counts.total()
        tally = Tally()

        def told(so_far: Tally) -> None:
            nonlocal tally
            tally = so_far
            show(so_far.counts.total())

        try:
            with showing("importing", output=output, total=total) as show:
                tally = wanted.write(told)
        except BaseException:
            write(
                f"Stopped after {tally.counts.total():,} of {total:,} secrets. The same command goes on from there.",
                error=True,
            )
            raise
    return show_tally(tally, file=file, written=written, dry_run=dry_run, output=output)
