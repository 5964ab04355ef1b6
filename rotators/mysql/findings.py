"""What preflight says about MySQL accounts. Pure: facts in, findings out."""

from collections.abc import Iterator, Sequence

from rotator.sdk import Finding, Overlap, Rotation
from rotators.databases import finding
from rotators.mysql.accounts import PASSWORD_PLUGINS, MysqlAccount, OwnAccount
from rotators.mysql_protocol.account_findings import (
    ADMINS_FAILURES,
    OWN_FAILURES,
    drifted,
    locked,
    lockout_findings,
    other_accounts,
)
from rotators.mysql_protocol.grants import Grants
from rotators.mysql_protocol.quoting import account
from rotators.mysql_protocol.server import Server

DUAL_SINCE = (8, 0, 14)
REPLACE_SINCE = (8, 0, 13)
OLDEST = (5, 7, 6)


def overlap_for(server: Server, grants: Grants, *, admin: bool) -> Overlap:
    """The best overlap that version and privileges allow."""
    if server.version < DUAL_SINCE:
        return Overlap.GAP
    may_retain = admin or grants.may("APPLICATION_PASSWORD_ADMIN") or grants.may("CREATE USER")
    return Overlap.DUAL if may_retain else Overlap.GAP


def overlap_findings(
    overlap: Overlap, server: Server, rotation: Rotation, *, name: str
) -> Iterator[Finding]:
    """What is to be said where the old password dies with the change.

    Args:
        overlap: the best possible.
        server: its version counts.
        rotation: it may require an overlap.
        name: the account, quoted.
    """
    if overlap is Overlap.DUAL:
        return
    say = finding.refusal if rotation.require_overlap else finding.warning
    required = ", and this rotation requires an overlap" if rotation.require_overlap else ""
    if server.version < DUAL_SINCE:
        yield say(
            f"MySQL {server.text} knows one password for an account (8.0.14 and later know two), so the old one is "
            f"refused from the change on{required}",
            "upgrade the server",
        )
    else:
        yield say(
            f"the account {name} may not keep its old password beside the new one, so the old one is refused from the "
            f"change on{required}",
            f"GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {name}; or name an admin secret in masterarn",
        )


def own_findings(own: OwnAccount, server: Server, *, overlap: Overlap) -> Iterator[Finding]:
    """Whether the account can change its own password."""
    name = account(server.user, server.account_host)
    yield from _plugin(own.plugin, name)
    yield from lockout_findings(
        own.failures,
        of=f"the account {name}",
        needed=OWN_FAILURES,
        remedy=f"ALTER USER {name} FAILED_LOGIN_ATTEMPTS {OWN_FAILURES + 1}; or name an admin secret in masterarn",
    )
    yield from _history(own.history, server, name, overlap)


def account_findings(
    chosen: Sequence[MysqlAccount],
    others: Sequence[MysqlAccount],
    server: Server,
    *,
    password: str,
    overlap: Overlap,
) -> Iterator[Finding]:
    """Whether the accounts can be rotated together.

    Args:
        chosen: those that will be changed.
        others: further ones of the same user.
        server: its defaults count.
        password: the secret's current one.
        overlap: as it will be.
    """
    for each in chosen:
        name = each.name
        yield from _plugin(each.plugin, name)
        yield from locked(each)
        yield from lockout_findings(
            each.failures,
            of=f"the account {name}",
            needed=ADMINS_FAILURES,
            remedy=f"ALTER USER {name} FAILED_LOGIN_ATTEMPTS {ADMINS_FAILURES + 1}",
        )
        yield from _history(each.history, server, name, overlap)
        yield from drifted(each, password)
    yield from other_accounts(others)


def turn_findings(
    originals: Sequence[MysqlAccount], clones: Sequence[MysqlAccount]
) -> Iterator[Finding]:
    """Whether the accounts of an original and of its clone can take turns."""
    for each in originals:
        yield from _plugin(each.plugin, each.name)
        yield from locked(each)
        if each.factors:
            yield finding.refusal(
                f"the account {each.name} asks for more than a password, which a clone would not",
                f"ALTER USER {each.name} DROP 2 FACTOR",
            )
    for each in (*originals, *clones):
        yield from lockout_findings(
            each.failures,
            of=f"the account {each.name}",
            needed=ADMINS_FAILURES,
            remedy=f"ALTER USER {each.name} FAILED_LOGIN_ATTEMPTS {ADMINS_FAILURES + 1}",
        )


def _plugin(plugin: str, name: str) -> Iterator[Finding]:
    if plugin not in PASSWORD_PLUGINS:
        yield finding.refusal(
            f"the account {name} is authenticated by {plugin or 'nothing'}, which has no password to change here",
            f"ALTER USER {name} IDENTIFIED WITH caching_sha2_password BY '…'",
        )


def _history(history: int | None, server: Server, name: str, overlap: Overlap) -> Iterator[Finding]:
    kept = server.number("password_history") if history is None else history
    if kept > 0:
        after = (
            "the current password stays valid as the second one only (degraded)"
            if overlap is Overlap.DUAL
            else "the current password can't be set again (diverged)"
        )
        yield finding.warning(
            f"{name} can't take one of its last {kept} passwords again (PASSWORD HISTORY): where a rotation fails "
            f"after the change, {after}",
            f"ALTER USER {name} PASSWORD HISTORY 0",
        )
