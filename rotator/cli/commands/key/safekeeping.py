"""`rotate key export` and `import`: copies of the keys, sealed under a passphrase."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.commands.key.listing import sealed_under
from rotator.cli.export_file import new_export, refuse_existing
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, counted, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

if TYPE_CHECKING:
    from rotator.crypto.sealing_keys import Keyring
    from rotator.manager.key_descriptions import ImportedKeys

_LARGEST = 16 * 2**20  # bytes of a file; keys by the ten thousand

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Read the passphrase from this file (- for standard input) rather than ask for it.",
    ),
]


def export(
    context: typer.Context,
    output_file: Annotated[
        Path, typer.Option("--output-file", metavar="FILE", help="A file that isn't there yet.")
    ],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY", help="Their ids or aliases; without them all keys."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Writes sealing keys into a file, sealed under a passphrase."""
    from rotator.cli.passphrases import read_passphrase
    from rotator.crypto.key_export import seal_keys, verify_export

    session: Session = context.obj
    refuse_existing(output_file)
    manager = session.manager
    passphrase = read_passphrase(passphrase_file, confirm=True)
    with new_export(output_file) as sink:
        exported = manager.export_keys(
            caller=session.caller, request_id=session.request_id, keys=keys or ()
        )
        sink.write(seal_keys(exported, under=passphrase))
    verify_export(_read(output_file), exported, under=passphrase)
    if output is OutputFormat.JSON:
        write_json({"file": output_file, "keys": sorted(exported.keys)})
        return
    write(
        f"In {output_file}, sealed under the passphrase: {counted(len(exported.keys), 'sealing key')}.",
        "Keep the file apart from the store's backups, and the passphrase apart from the file.",
    )


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `rotate key export` wrote.")],
    passphrase_file: PassphraseFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Takes exported sealing keys back.

    Where the keyring is lost, it is made of them.
    """
    from rotator.cli.passphrases import read_passphrase
    from rotator.crypto.envelope import Sealer
    from rotator.crypto.key_export import open_keys
    from rotator.manager.manager import SecretsManager

    session: Session = context.obj
    content = _read(file)
    # Its keys are not verified first: they may be what is missing.
    manager = SecretsManager(session.store, Sealer(session.key_provider))
    keys = open_keys(content, under=read_passphrase(passphrase_file, confirm=False))
    done = manager.import_keys(caller=session.caller, request_id=session.request_id, keys=keys)
    if output is OutputFormat.JSON:
        present = sorted(keys.keys.keys() - {key.key_id for key in done.keys})
        write_json({"imported": done.keys, "present": present, "aliases": done.aliases})
    else:
        write(*_told(done, of=keys))


def _told(done: "ImportedKeys", *, of: "Keyring") -> Iterator[str]:
    if not done.keys:
        yield "All keys of the file are here already."
    for key in done.keys:
        yield f"The sealing key {key.key_id} was imported. {sealed_under(key)}"
        if key.state == "enabled" and of.keys[key.key_id].state == "disabled":
            yield (
                "It was disabled, and is enabled and active now: there was no keyring, and the file has no other. "
                "Next: import the other keys where there is an export of them, then let a new one take over: rotate "
                "key rotate"
            )
    for alias, key_id in done.aliases.items():
        yield f"{alias} names the sealing key {key_id} again."


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_LARGEST)
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} can't be read: {error.strerror}. Correct its path."
        ) from None
