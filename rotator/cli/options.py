"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from rotator.cli.output import OutputFormat

Output = Annotated[
    OutputFormat, typer.Option("--output", "-o", help="Whom the result is for: text or json.")
]
SecretId = Annotated[str, typer.Argument(metavar="SECRET", help="Its name or ARN.")]
SecretIds = Annotated[
    list[str] | None, typer.Argument(metavar="SECRET", help="Their names or ARNs.")
]
All = Annotated[bool, typer.Option("--all", help="Every secret whose rotation is set.")]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Those with this tag; several must all fit."),
]
Prefix = Annotated[str | None, typer.Option("--prefix", help="Those whose name begins like this.")]
ValueFile = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", help="Read the value from this file; - is standard input, the default."
    ),
]
SealingKey = Annotated[
    str | None,
    typer.Option(
        "--kms-key-id",
        "--key",
        metavar="KEY",
        help="The sealing key, by id or alias.",
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Read the passphrase from this file (- for standard input), don't ask for it.",
    ),
]
