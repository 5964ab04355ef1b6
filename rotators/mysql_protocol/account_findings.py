"""What preflight says about accounts, on MySQL and MariaDB alike. Pure: facts in, findings out."""

from collections.abc import Iterator, Sequence

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.mysql_protocol.accounts import Account
from rotators.mysql_protocol.grants import Grants
from rotators.mysql_protocol.settings import ACCOUNTS

OWN_FAILURES = 3
"""Failed logins in a row that a rotation without an admin may need: all values that may live are tried."""

ADMINS_FAILURES = 1
"""With an admin the catalogue tells which values live; the random password fails."""


def privilege_findings(grants: Grants, *, name: str, allowed: bool) -> Iterator[Finding]:
    """Whether an account with administrative rights may be rotated."""
    if not grants.powers:
        return
    reason = f"the account {name} has administrative rights: {', '.join(grants.powers)}"
    if allowed:
        yield finding.warning(f"{reason}; the rotation is allowed to change it")
    else:
        yield finding.refusal(
            reason, "if it is meant: rotate rotation set SECRET --allow-privileged"
        )


def admin_findings(grants: Grants, *, admin: str) -> Iterator[Finding]:
    """Whether the admin user may change passwords."""
    if not grants.may("CREATE USER"):
        yield finding.refusal(
            f'the admin user "{admin}" may not change accounts',
            f"GRANT CREATE USER ON *.* TO {admin}",
        )


def lockout_findings(limit: int, *, of: str, needed: int, remedy: str) -> Iterator[Finding]:
    """Whether the failed logins of probes stay below the limit that locks the account.

    Args:
        limit: consecutive failures that lock it; 0 for no limit.
        of: what has the limit.
        needed: failures in a row that a rotation may make at the worst.
        remedy: the statement that raises the limit.
    """
    if 0 < limit <= needed:
        yield finding.refusal(
            f"{of} is locked by {limit} failed logins in a row, and finding out which password lives after a crash "
            f"may take {needed}",
            remedy,
        )


def locked(account: Account) -> Iterator[Finding]:
    """Whether anybody can log in to it."""
    if account.locked:
        yield finding.refusal(
            f"the account {account.name} is locked", f"ALTER USER {account.name} ACCOUNT UNLOCK"
        )


def drifted(account: Account, password: str) -> Iterator[Finding]:
    """Whether the account has the secret's password."""
    if not account.accepts(password):
        yield finding.warning(
            f"the account {account.name} has another password than the secret; it gets the new one"
        )


def other_accounts(others: Sequence[Account]) -> Iterator[Finding]:
    """Which accounts of the same user stay as they are."""
    if others:
        names = ", ".join(each.name for each in others)
        yield finding.warning(
            f"other accounts of the same user have another password and keep it: {names}",
            f"list the accounts that belong to the secret in the rotation's setting {ACCOUNTS}, if they do",
        )


def alone(name: str, others: Sequence[str] | None) -> Finding:
    """That a user changes the account that it is let in as, and which others of its name keep their password.

    Args:
        name: that account, quoted.
        others: the others, quoted; None where the user may not see them.
    """
    if others:
        return finding.warning(
            f"changes the account {name} alone; other accounts of the same user keep their password: "
            + ", ".join(others),
            "an admin secret changes them together: name one in masterarn",
        )
    unseen = "; accounts of the same user for other hosts, if there are any, keep their password: an admin secret "
    return finding.ok(
        f"changes the account {name}, the only one of its user"
        if others is not None
        else f"changes the account {name} alone{unseen}changes them together"
    )
