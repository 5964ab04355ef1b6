"""What preflight says about MariaDB accounts. Pure: facts in, findings out."""

from collections.abc import Iterator, Sequence

from rotator.sdk import Finding, Rotation
from rotators.databases import finding
from rotators.mariadb.accounts import MariadbAccount
from rotators.mariadb.methods import PASSWORD_PLUGINS, Method
from rotators.mysql_protocol.account_findings import (
    ADMINS_FAILURES,
    OWN_FAILURES,
    drifted,
    locked,
    lockout_findings,
    other_accounts,
)
from rotators.mysql_protocol.quoting import account
from rotators.mysql_protocol.server import Server
from rotators.mysql_protocol.settings import CLEAR_TEXT
from rotators.mysql_protocol.verifiers import NATIVE

OLDEST = (10, 4)


def validates_hashes(server: Server) -> bool:
    """Whether the server refuses every hash: a plugin validates passwords, and it can't look into one."""
    validating = any(name.startswith("simple_password_check") for name in server.variables)
    return validating and server.on("strict_password_validation")


def own_findings(
    method: Method | None, server: Server, rotation: Rotation, *, password: str
) -> Iterator[Finding]:
    """Whether the account can change its own password: with SET PASSWORD, which changes the first method only."""
    name = account(server.user, server.account_host)
    if method is None or not method.is_password:
        yield finding.refusal(
            f"the account {name} has several methods, or one without a password, and by itself it could change only "
            "the first of them, so that an old password would stay valid",
            "name an admin secret in masterarn",
        )
    elif not method.accepts(password):
        yield finding.refusal(
            f"the account {name} was let in by something else than its password",
            f"SHOW CREATE USER {name}",
        )
    say = finding.refusal if rotation.require_overlap else finding.warning
    required = ", and this rotation requires an overlap" if rotation.require_overlap else ""
    yield say(
        f"the account {name} can't give itself a second password, so the old one is refused from the change "
        f"on{required}",
        "name an admin secret in masterarn, whose user has: GRANT CREATE USER ON *.* TO <admin>; "
        "GRANT SELECT ON mysql.* TO <admin>",
    )
    yield from _lockout(server, needed=OWN_FAILURES)


def account_findings(
    chosen: Sequence[MariadbAccount],
    others: Sequence[MariadbAccount],
    server: Server,
    *,
    password: str,
) -> Iterator[Finding]:
    """Whether the accounts can be rotated together.

    Args:
        chosen: those that will be changed.
        others: further ones of the same user.
        server: its settings count.
        password: the secret's current one.
    """
    for each in chosen:
        yield from locked(each)
        yield from drifted(each, password)
        yield from _methods(each, password)
    yield from _lockout(server, needed=ADMINS_FAILURES)
    yield from other_accounts(others)


def clear_text_findings(server: Server, rotation: Rotation) -> Iterator[Finding]:
    """Whether passwords can be given as hashes."""
    if not validates_hashes(server):
        return
    if rotation.settings.clear_text:
        yield finding.warning(
            "strict_password_validation refuses hashes, so passwords are sent as clear text, as the setting "
            f"{CLEAR_TEXT} allows: the server's general log and binary log show them",
            "SET GLOBAL strict_password_validation = OFF",
        )
    else:
        yield finding.refusal(
            "strict_password_validation refuses every hash, and clear text would be in the server's logs",
            f"SET GLOBAL strict_password_validation = OFF; or allow clear text with the setting {CLEAR_TEXT}=true",
        )


def turn_findings(originals: Sequence[MariadbAccount], server: Server) -> Iterator[Finding]:
    """Whether the accounts of an original and of its clone can take turns."""
    for each in originals:
        yield from locked(each)
        yield from _no_password(each)
        if any(not method.is_password for method in each.methods):
            yield finding.warning(
                f"the account {each.name} has methods besides its password, which its clone doesn't get"
            )
    yield from _lockout(server, needed=ADMINS_FAILURES)


def _no_password(account_: MariadbAccount) -> Iterator[Finding]:
    if not any(method.is_password for method in account_.methods):
        yield finding.refusal(
            f"the account {account_.name} has no password (its methods: "
            f"{', '.join(method.plugin for method in account_.methods)})",
            f"it takes one of: {', '.join(PASSWORD_PLUGINS)}",
        )


def _methods(account_: MariadbAccount, password: str) -> Iterator[Finding]:
    name = account_.name
    passwords = [method for method in account_.methods if method.is_password]
    yield from _no_password(account_)
    unknown = [m for m in passwords if account_.accepts(password) and not m.accepts(password)]
    if unknown:
        yield finding.warning(
            f"the account {name} has {len(unknown)} further password beside the secret's, which stays valid",
            f"SHOW CREATE USER {name}",
        )
    if account_.methods[0].plugin != NATIVE:
        yield finding.warning(
            f"the first method of the account {name} is {account_.methods[0].plugin}: until the old password is "
            "retired the server asks for both in turn, and a client that answers one such question only, as PyMySQL "
            "does, gets in with the first password alone",
            "let clients use a library that answers several, or let mysql_native_password be the account's first "
            f"method: SHOW CREATE USER {name}",
        )


def _lockout(server: Server, *, needed: int) -> Iterator[Finding]:
    return lockout_findings(
        server.number("max_password_errors"),
        of="every account (max_password_errors)",
        needed=needed,
        remedy=f"SET GLOBAL max_password_errors = {needed + 1}",
    )
