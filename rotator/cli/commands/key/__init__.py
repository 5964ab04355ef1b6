"""`rotate key …`: the sealing keys, and what is sealed under them."""

import typer

from rotator.cli.commands.key.changes import alias, create, enable, rotate
from rotator.cli.commands.key.disabling import disable
from rotator.cli.commands.key.listing import list_keys
from rotator.cli.commands.key.rewrapping import rewrap
from rotator.cli.commands.key.safekeeping import export, import_

app = typer.Typer(help="Looks after the keys that values are sealed under.", no_args_is_help=True)
app.command("list")(list_keys)
app.command()(create)
app.command()(rotate)
app.command()(rewrap)
app.command()(alias)
app.command()(disable)
app.command()(enable)
app.command()(export)
app.command("import")(import_)
