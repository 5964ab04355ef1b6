"""`rotate secret …`: storing values and looking at what is stored."""

import typer

from rotator.cli.commands.secret.lifecycle import delete, restore, stage
from rotator.cli.commands.secret.listing import describe, list_secrets, versions
from rotator.cli.commands.secret.values import create, get, put

app = typer.Typer(help="Stores secrets and shows them.", no_args_is_help=True)
app.command()(create)
app.command()(put)
app.command()(get)
app.command()(describe)
app.command("list")(list_secrets)
app.command()(versions)
app.command()(stage)
app.command()(delete)
app.command()(restore)
