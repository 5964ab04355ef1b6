"""`rotate init`: makes the home folder, the sealing key and the store."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write_result
from rotator.cli.session import AUDIT_KEY_FILE, Session
from rotator.errors import ConfigurationError, KeyUnavailable, ResourceExists

if TYPE_CHECKING:
    from rotator.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is.

    Attributes:
        keyring: None where another key provider than `file` keeps the sealing keys.
        audit: the file of the audit key; None where the setting `audit.key` holds it.
        admin: the principal that was asked for; it has no access key where it was made.
        made: what was missing and was made: `home`, `store`, `keyring`, `audit`, `admin`.
    """

    home: Path
    store: str
    keyring: Path | None
    audit: Path | None
    admin: str | None
    made: tuple[str, ...]


def init(
    context: typer.Context,
    new_audit: Annotated[
        bool,
        typer.Option(
            "--new-audit", help="Begin the audit anew in a store whose audit was removed."
        ),
    ] = False,
    admin: Annotated[
        str | None,
        typer.Option(
            "--admin",
            metavar="NAME",
            help="Also make this principal, which may everything in the API.",
        ),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes the home folder, store, sealing key and audit key.

    Only what is missing is made; a key is never overwritten.
    """
    places = make_home(context.obj, new_audit=new_audit, admin=admin)
    write_result(places, *_lines(places), output=output)


def make_home(session: Session, *, new_audit: bool = False, admin: str | None = None) -> Places:
    """Makes what is missing.

    Args:
        admin: a principal that is to be there, and may everything in the API where it is made.

    Raises:
        AuditBroken: the audit of the store was removed, and none is to be begun anew.
        ConfigurationError: the home folder can't be made.
        KeyUnavailable: the keyring or the audit key is unsafe or another store's, or that of a store in use is gone.
        StoreUnavailable: the store can't be made or opened.
    """
    from rotator.store.sealing import has_sealing_key
    from rotator.store.store import Store

    configuration = session.configuration
    keyring = _keyring(session)
    made = ["home"] if _make_folder(configuration.home) else []
    session.store = Store.open(
        configuration.store_url,
        create=True,
        audit_key=session.audit_key,
        asked_by=session.asked_by,
    )
    in_use = has_sealing_key(session.store)
    if not in_use:
        made.append("store")
    if keyring is not None and _make_keyring(keyring, in_use=in_use, store=session.store):
        made.append("keyring")
    _ = session.sealer  # refuses a keyring that is unsafe or another store's
    if session.store.begin_audit(anew=new_audit):
        made.append("audit")
    if admin is not None and _make_administrator(session, admin):
        made.append("admin")
    return Places(
        home=configuration.home,
        store=session.store.url_shown,
        keyring=keyring,
        audit=configuration.home / AUDIT_KEY_FILE
        if configuration.settings.audit.key is None
        else None,
        made=tuple(made),
        admin=admin,
    )


def _make_administrator(session: Session, name: str) -> bool:
    """Whether there was no such principal, and one was made that may everything in the API."""
    from rotator.manager.principals import ADMINISTRATOR, EVERYTHING

    try:
        session.manager.create_principal(
            caller=session.caller,
            request_id=session.request_id,
            principal=name,
            policies={ADMINISTRATOR: EVERYTHING},
        )
    except ResourceExists:
        return False
    return True


def _keyring(session: Session) -> Path | None:
    settings = session.configuration.settings
    return settings.keyring.path if settings.keys.provider == "file" else None


def _make_keyring(path: Path, *, in_use: bool, store: "Store") -> bool:
    """Whether the keyring was missing and was made."""
    from rotator.crypto.keyring import create_keyring

    if os.path.lexists(path):
        return False
    if in_use:
        raise KeyUnavailable(
            f"The store {store.url_shown} was sealed with a keyring, and there is none at {path}. A new key could not "
            "open it: restore the keyring from its backup, or import an export of its keys: rotate key import"
        )
    create_keyring(path)
    return True


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
    if places.keyring:
        yield f"keyring  {places.keyring}  ({state('keyring')})"
    yield f"audit    {places.audit or 'the key in the setting audit.key'}  ({state('audit')})"
    if places.admin:
        yield f"admin    {places.admin}  ({state('admin')})"
    yield ""
    yield "Keep copies of the sealing keys (rotate key export) and of the audit key, apart from the store's backups:"
    yield "without the former it can't be read, without the latter nothing can be recorded in it or verified."
    yield ""
    yield "Next, with a credential that works today:"
    yield "  rotate secret create db/app --file credential.json"
    yield "  rotate rotation set db/app --rotator postgresql-single-user --schedule 'rate(30 days)'"
    yield "  rotate plan db/app"
    yield "  rotate now db/app"
    if places.admin:
        yield f"And for the API, an access key: rotate principal keys create {places.admin}"
