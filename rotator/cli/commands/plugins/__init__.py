"""`rotate plugins …`: the rotators that are there, and the start of a new one."""

import typer

from rotator.cli.commands.plugins.listing import plugins
from rotator.cli.commands.plugins.scaffolding import new

app = typer.Typer()
app.callback(invoke_without_command=True)(plugins)
app.command()(new)
