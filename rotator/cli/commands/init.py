"""`rotate init`: makes the home folder, the sealing key and the store."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError, KeyUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is.

    Attributes:
        made: what was missing and was made: `home`, `store`, `keyring`.
    """

    home: Path
    store: str
    keyring: Path
    made: tuple[str, ...]


def init(context: typer.Context, output: Output = OutputFormat.TEXT) -> None:
    """Makes the home folder, store and sealing key.

    Only what is missing is made; a key is never overwritten.
    """
    places = make_home(context.obj)
    if output is OutputFormat.JSON:
        write_json(places)
    else:
        write(*_lines(places))


def make_home(session: Session) -> Places:
    """Makes what is missing.

    Raises:
        ConfigurationError: the home folder can't be made.
        KeyUnavailable: the keyring is unsafe or another store's, or that of a store in use is gone.
        StoreUnavailable: the store can't be made or opened.
    """
    from rotator.crypto.keyring import create_keyring
    from rotator.store.sealing import has_sealing_key
    from rotator.store.store import Store

    configuration = session.configuration
    keyring = configuration.settings.keyring.path
    made = ["home"] if _make_folder(configuration.home) else []
    session.store = Store.open(configuration.store_url, create=True)
    in_use = has_sealing_key(session.store)
    if not in_use:
        made.append("store")
    if not os.path.lexists(keyring):
        if in_use:
            raise KeyUnavailable(
                f"The store {session.store.url_shown} was sealed with a keyring, and there is none "
                f"at {keyring}. A new key could not open it: restore the keyring from its backup."
            )
        create_keyring(keyring)
        made.append("keyring")
    _ = session.sealer  # refuses a keyring that is unsafe or another store's
    return Places(
        home=configuration.home, store=session.store.url_shown, keyring=keyring, made=tuple(made)
    )


def _make_folder(home: Path) -> bool:
    """Whether the folder was missing and was made."""
    from rotator.files import make_private_folder

    if home.is_dir():
        return False
    try:
        make_private_folder(home)
    except OSError as error:
        raise ConfigurationError(
            f"The home folder {home} can't be made: {error.strerror}. "
            "Name another one: export ROTATOR_HOME=/path"
        ) from None
    return True


def _lines(places: Places) -> Iterator[str]:
    def state(part: str) -> str:
        return "made" if part in places.made else "was there"

    yield f"home     {places.home}  ({state('home')})"
    yield f"store    {places.store}  ({state('store')})"
    yield f"keyring  {places.keyring}  ({state('keyring')})"
    yield ""
    yield "Keep a copy of the keyring, apart from the store's backups: without it the store can't be read."
    yield ""
    yield "Next, with a credential that works today:"
    yield "  rotate secret create db/app --file credential.json"
    yield "  rotate rotation set db/app --rotator postgresql-single-user --schedule 'rate(30 days)'"
    yield "  rotate plan db/app"
    yield "  rotate now db/app"
