"""`rotate principal keys …`: what principals sign their requests with."""

from typing import Annotated

import typer

from rotator.cli.commands.principal.options import Account, Name
from rotator.cli.options import Output, ValueFile
from rotator.cli.output import OutputFormat, moment, write, write_json, write_result, write_table
from rotator.cli.session import Session
from rotator.cli.values import read_value
from rotator.errors import ConfigurationError

app = typer.Typer(
    help="Looks after what principals sign their requests with.", no_args_is_help=True
)
KeyId = Annotated[str, typer.Argument(metavar="ACCESS_KEY_ID", help="The access key.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    account: Account = None,
    access_key_id: Annotated[
        str | None,
        typer.Option(
            "--access-key-id",
            metavar="ID",
            help="One that clients have already; its secret is read from --file, standard input, or a hidden prompt.",
        ),
    ] = None,
    file: ValueFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes an access key, and shows its secret this once."""
    from rotator.access.credentials import brought_along

    session: Session = context.obj
    if access_key_id is None and file is not None:
        raise ConfigurationError("--file is for the secret of a key that --access-key-id names.")
    given = None
    if access_key_id is not None:
        secret = read_value(file, binary=False).string or ""
        given = brought_along(access_key_id, secret)
    made = session.manager.create_access_key(
        caller=session.caller,
        request_id=session.request_id,
        principal=name,
        account=account,
        given=given,
    )
    region = session.caller.region
    if given is not None:
        line = f"The access key {made.access_key_id} is {name}'s from now on."
        write_result({"access_key_id": made.access_key_id}, line, output=output)
        return
    if output is OutputFormat.JSON:
        write_json(
            {"access_key_id": made.access_key_id, "secret_access_key": made.secret_access_key}
        )
        return
    write(
        f"AWS_ACCESS_KEY_ID={made.access_key_id}",
        f"AWS_SECRET_ACCESS_KEY={made.secret_access_key}",
        f"AWS_DEFAULT_REGION={region}",
    )
    write("The secret is shown this once, and kept nowhere in the clear.", error=True)


@app.command("list")
def list_keys(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The principal, else all.")
    ] = None,
    account: Account = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Lists access keys, with the day on which each was last used."""
    session: Session = context.obj
    found = session.manager.list_access_keys(
        caller=session.caller, request_id=session.request_id, principal=name, account=account
    )
    if output is OutputFormat.JSON:
        write_json({"access_keys": found})
        return
    write_table(
        ("ACCESS KEY", "PRINCIPAL", "STATE", "CREATED", "LAST USED"),
        [
            (
                key.access_key_id,
                key.principal,
                "disabled" if key.disabled else "enabled",
                moment(key.created_at),
                "-" if key.used_on is None else f"{key.used_on:%Y-%m-%d}",
            )
            for key in found
        ],
    )


@app.command()
def disable(context: typer.Context, key: KeyId, output: Output = OutputFormat.TEXT) -> None:
    """Refuses what is signed with an access key, until it is enabled."""
    _switch(context.obj, key, disabled=True, output=output)


@app.command()
def enable(context: typer.Context, key: KeyId, output: Output = OutputFormat.TEXT) -> None:
    """Takes again what is signed with an access key."""
    _switch(context.obj, key, disabled=False, output=output)


@app.command()
def delete(context: typer.Context, key: KeyId, output: Output = OutputFormat.TEXT) -> None:
    """Removes an access key."""
    session: Session = context.obj
    session.manager.delete_access_key(
        caller=session.caller, request_id=session.request_id, access_key_id=key
    )
    line = f"The access key {key} was deleted. What is signed with it is refused from now on."
    write_result({"deleted": key}, line, output=output)


def _switch(session: Session, key: str, *, disabled: bool, output: OutputFormat) -> None:
    changed = session.manager.set_access_key_status(
        caller=session.caller,
        request_id=session.request_id,
        access_key_id=key,
        disabled=disabled,
    )
    what = "refused" if disabled else "taken"
    write_result(changed, f"What is signed with {key} is {what} from now on.", output=output)
