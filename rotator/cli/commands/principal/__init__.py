"""`rotate principal …`: who may use the API, with which keys, and what for."""

import typer

from rotator.cli.commands.principal import groups, keys, policies
from rotator.cli.commands.principal.people import create, delete, disable, enable, list_principals
from rotator.cli.commands.principal.repairing import repair, review

app = typer.Typer(help="Looks after who may use the API, and what for.", no_args_is_help=True)
app.command()(create)
app.command("list")(list_principals)
app.command()(disable)
app.command()(enable)
app.command()(delete)
app.command()(review)
app.command()(repair)
app.add_typer(keys.app, name="keys")
app.add_typer(policies.app, name="policy")
app.add_typer(groups.app, name="group")
