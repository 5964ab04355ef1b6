"""The checks of `rotate doctor`. Each looks at one thing and changes nothing."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rotator.cli.exits import ExitCode, of_error
from rotator.cli.session import Session
from rotator.config.load import unknown_variables
from rotator.errors import RotatorError

_NAMED = 5  # secrets that a finding names


class Finding(StrEnum):
    """How much a check's result matters."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check found.

    Attributes:
        fix: what to do; None where nothing is.
        exit_code: DONE unless it is a fault.
    """

    subject: str
    finding: Finding
    message: str
    fix: str | None = None
    exit_code: ExitCode = ExitCode.DONE


def run_checks(session: Session) -> tuple[Check, ...]:
    """All checks, in the order in which a person would mend things."""
    return tuple(_all(session))


def _all(session: Session) -> Iterator[Check]:
    yield from _guarded("settings", _settings, session)
    if "configuration" not in session.__dict__:
        return  # without settings nobody knows where anything is
    yield from _guarded("home", _home, session)
    yield from _guarded("store", _store, session)
    if "store" in session.__dict__:
        yield from _guarded("keys", _keys, session)
        yield from _guarded("audit", _audit, session)
        yield from _guarded("principals", _principals, session)
        yield from _guarded("functions", _functions, session)
    yield from _plugins(session)
    yield from _guarded("TLS trust", _trust, session)


def _guarded(
    subject: str, check: Callable[[Session], Iterator[Check]], session: Session
) -> Iterator[Check]:
    try:
        yield from check(session)
    except RotatorError as error:
        yield Check(
            subject=subject, finding=Finding.FAULT, message=str(error), exit_code=of_error(error)
        )


def _settings(session: Session) -> Iterator[Check]:
    file = session.configuration.file
    yield Check(
        subject="settings",
        finding=Finding.OK,
        message="the defaults" if file is None else f"read from {file}",
    )
    for name in unknown_variables(session.environ):
        yield Check(
            subject="settings",
            finding=Finding.WARNING,
            message=f"the environment variable {name} is no setting and is ignored",
            fix="config.example.yaml explains how a setting's variable is called",
        )
    _ = session.policy  # raises where it names a rotator that is not there


def _home(session: Session) -> Iterator[Check]:
    home = session.configuration.home
    if not home.is_dir():
        yield _fault("home", f"{home} is missing", "rotate init", ExitCode.UNAVAILABLE)
        return
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield _fault(
            "home",
            f"other users may change what is in {home} (mode {mode:04o})",
            f"chmod 700 {home}",
            ExitCode.UNAVAILABLE,
        )
    else:
        yield Check(subject="home", finding=Finding.OK, message=f"{home} (mode {mode:04o})")


def _store(session: Session) -> Iterator[Check]:
    store = session.store
    yield Check(
        subject="store",
        finding=Finding.OK,
        message=f"{store.url_shown}, with this release's schema",
    )
    from rotator.store.durability import durability, unsafe

    reported = durability(store)
    shown = ", ".join(f"{name}={value}" for name, value in reported.items())
    wrong = unsafe(reported)
    if wrong:
        yield _fault(
            "store",
            f"a crash of its machine could lose what was committed: {shown}",
            f"ask the database's administrator to set {' and '.join(wrong)} to on",
            ExitCode.UNAVAILABLE,
        )
    else:
        yield Check(subject="store", finding=Finding.OK, message=f"durable: {shown}")


def _keys(session: Session) -> Iterator[Check]:
    active = session.sealer.provider.active_key_id
    settings = session.configuration.settings
    where = f"from the key provider {settings.keys.provider}"
    if settings.keys.provider == "file":
        where = f"{settings.keyring.path}, private"
    yield Check(
        subject="keys",
        finding=Finding.OK,
        message=f"{where} and the store's own; key {active} is active",
    )
    for key in session.manager.list_keys(caller=session.caller, request_id=session.request_id):
        if key.state != "enabled":
            yield from _closed(session, key.key_id, state=key.state)


def _closed(session: Session, key_id: str, *, state: str) -> Iterator[Check]:
    """The fault that a key can't be used, where anything is under it or asks for it."""
    from rotator.cli.commands.key.disabling import consequences

    closed = session.manager.list_key_secrets(
        caller=session.caller, request_id=session.request_id, key=key_id, max_results=_NAMED
    )
    told = tuple(consequences(closed))
    if not told:
        return
    fix = f"rotate key enable {key_id}"
    if state != "disabled":
        fix = "restore the keys that have it from their backup, or import an export of them: rotate key import FILE"
    yield _fault(
        "keys",
        " ".join([f"the sealing key {key_id} is {state}.", *told]),
        fix,
        ExitCode.UNAVAILABLE,
    )


def _audit(session: Session) -> Iterator[Check]:
    from rotator.cli.output import counted, moment

    state = session.auditing.state(caller=session.caller, request_id=session.request_id)
    yield Check(
        subject="audit",
        finding=Finding.OK,
        message=f"{counted(state.records, 'record')}; the key is the store's own; checkpoint {state.checkpoint} of "
        f"{moment(state.checkpoint_at)} and all heads are signed",
    )


def _principals(session: Session) -> Iterator[Check]:
    from rotator.cli.output import counted

    found = session.manager.list_principals(caller=session.caller, request_id=session.request_id)
    if found:
        users = sum(1 for each in found if each.kind == "user")
        yield Check(
            subject="principals",
            finding=Finding.OK,
            message=f"{counted(users, 'principal')} and {counted(len(found) - users, 'group')}, as they were written",
        )


def _functions(session: Session) -> Iterator[Check]:
    """Rotation functions elsewhere that are never invoked, since a rotator here has their name as an alias."""
    if not session.configuration.settings.lambda_.is_configured:
        return
    from rotator.store import rota

    with session.store.read() as tx:
        named = rota.rotators_by_arn(
            tx, account=session.caller.account, region=session.caller.region
        )
    for arn, example in named:
        hiding = session.registry.hides(arn)
        if hiding is not None:
            yield Check(
                subject="functions",
                finding=Finding.WARNING,
                message=f"{arn}, which {example} names, is not invoked: its name is an alias of {hiding.name}",
                fix=f"where {hiding.name} is meant, nothing; else give the function another name, or register its file "
                "under this one (the section functions of the configuration)",
            )


def _plugins(session: Session) -> Iterator[Check]:
    entries = session.registry.entries()
    names = ", ".join(entry.name for entry in entries if entry.error is None)
    yield Check(subject="plugins", finding=Finding.OK, message=names or "none")
    for entry in entries:
        if entry.error is not None:
            yield Check(
                subject="plugins",
                finding=Finding.WARNING,
                message=f"{entry.name} can't be used: {entry.error}",
                fix=entry.remedy,
            )


def _trust(session: Session) -> Iterator[Check]:
    import ssl

    bundle = session.configuration.settings.tls.trust
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if bundle is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=bundle)
    except OSError as error:  # ssl.SSLError is one
        yield _fault(
            "TLS trust",
            f"{bundle} can't be used: {error.strerror or 'it holds no certificate in PEM form'}",
            "correct the setting tls.trust",
            ExitCode.USAGE,
        )
        return
    yield _trusted(bundle, authorities=len(context.get_ca_certs()))


def _trusted(bundle: Path | None, *, authorities: int) -> Check:
    if bundle is not None:
        message = f"{bundle}, {_authorities(authorities)}"
    elif authorities:
        message = f"the system's, {_authorities(authorities)}"
    else:
        return Check(
            subject="TLS trust",
            finding=Finding.WARNING,
            message="the system trusts no certificate authority, so no target can be checked over TLS",
            fix="install the package ca-certificates, or set tls.trust to a PEM file",
        )
    return Check(subject="TLS trust", finding=Finding.OK, message=message)


def _authorities(number: int) -> str:
    return "1 certificate authority" if number == 1 else f"{number:,} certificate authorities"


def _fault(subject: str, message: str, fix: str, exit_code: ExitCode) -> Check:
    return Check(
        subject=subject, finding=Finding.FAULT, message=message, fix=fix, exit_code=exit_code
    )
