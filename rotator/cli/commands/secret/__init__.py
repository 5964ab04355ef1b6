"""`rotate secret …`: storing values and looking at what is stored."""

import typer

from rotator.cli.commands.secret import policy
from rotator.cli.commands.secret.about import tag, untag, update
from rotator.cli.commands.secret.exporting import export_secrets
from rotator.cli.commands.secret.importing import import_secrets
from rotator.cli.commands.secret.lifecycle import delete, purge, restore, stage
from rotator.cli.commands.secret.listing import describe, list_secrets, versions
from rotator.cli.commands.secret.replication import promote, replicate, unreplicate
from rotator.cli.commands.secret.values import create, get, put

app = typer.Typer(help="Stores secrets and shows them.", no_args_is_help=True)
app.command()(create)
app.command()(put)
app.command()(update)
app.command()(tag)
app.command()(untag)
app.command()(get)
app.command()(describe)
app.command("list")(list_secrets)
app.command()(versions)
app.command()(stage)
app.command()(delete)
app.command()(restore)
app.command()(purge)
app.command()(replicate)
app.command()(unreplicate)
app.command()(promote)
app.command("import")(import_secrets)
app.command("export")(export_secrets)
app.add_typer(policy.app, name="policy")
